#include "send_queue.hpp"

#include "../zmtp/frame.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t first_chunk = 2048;  // bytes that a peer keeps between messages

}  // namespace

send_queue::segment& send_queue::add(std::shared_ptr<buffer> data, std::size_t begin, std::size_t end) {
    segment& made = segments_.emplace_back();
    made.data = std::move(data);
    made.begin = made.frame = begin;
    made.end = end;
    bytes_ += end - begin;
    return made;
}

// Returns room for that many bytes, at the end of the last chunk or in a new one.
char* send_queue::space(std::size_t bytes) {
    if (!segments_.empty() && segments_.back().open && segments_.back().data->capacity() - segments_.back().end >= bytes) {
        return segments_.back().data->data() + segments_.back().end;
    }
    const std::size_t usual = empty() && bytes <= first_chunk ? first_chunk : chunk_pool::chunk_size;
    segment& made = add(
        usual == chunk_pool::chunk_size && bytes <= usual ? chunks_.take() : std::make_shared<buffer>(std::max(bytes, usual)),
        0, 0);
    made.open = true;
    return made.data->data();
}

void send_queue::append(std::string_view head, std::string_view body, std::shared_ptr<buffer> owner) {
    if (!head.empty()) {
        append(head, 0);
        segments_.back().ends_inside = true;
    }
    const auto begin = static_cast<std::size_t>(body.data() - owner->data());
    add(std::move(owner), begin, begin + body.size()).messages = 1;
    ++messages_;
}

void send_queue::append_raw(std::string_view bytes) {
    auto data = std::make_shared<buffer>(bytes.size());
    data->append(bytes);
    add(std::move(data), 0, bytes.size()).framed = false;
}

void send_queue::append_rest(std::string_view bytes, std::size_t sent, std::size_t messages) {
    std::size_t at = 0;  // the frame that was written in part
    bool inside = false;
    for (zmtp::frame each; zmtp::parse_header(bytes.substr(at), each) == zmtp::parsed::whole && at + each.size() <= sent;) {
        at += static_cast<std::size_t>(each.size());
        inside = each.more();
        messages -= inside ? 0 : 1;
    }
    auto data = std::make_shared<buffer>(bytes.size() - at);
    data->append(bytes.substr(at));
    segment& made = add(std::move(data), sent - at, bytes.size() - at);
    made.frame = 0;
    made.messages = messages;
    messages_ += messages;
    inside_ = inside;
}

std::size_t send_queue::gather(iovec* to, std::size_t most) const noexcept {
    std::size_t count = 0;
    for_each([&](std::string_view bytes, bool) {
        to[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
        return count < most;
    });
    return count;
}

void send_queue::consume(std::size_t bytes) noexcept {
    bytes_ -= bytes;
    while (bytes > 0) {
        segment& first = segments_[head_];
        const std::size_t part = std::min(bytes, first.end - first.begin);
        first.begin += part;
        bytes -= part;
        if (first.begin < first.end) return first.framed ? walk(first) : void();
        drop_first();
    }
}

// Counts the messages that end in its written bytes.
void send_queue::walk(segment& partly) noexcept {
    const std::string_view bytes(partly.data->data(), partly.end);
    for (zmtp::frame each; partly.frame < partly.begin;) {
        if (zmtp::parse_header(bytes.substr(partly.frame), each) != zmtp::parsed::whole) return;
        if (partly.frame + each.size() > partly.begin) return;
        partly.frame += static_cast<std::size_t>(each.size());
        if (each.command()) continue;
        inside_ = each.more();
        if (inside_) continue;
        --partly.messages;
        --messages_;
    }
}

// The first segment is written. A small last chunk is kept for the next message.
void send_queue::drop_first() noexcept {
    segment& first = segments_[head_];
    messages_ -= first.messages;
    inside_ = first.ends_inside;
    if (++head_ < segments_.size()) {
        if (first.open) chunks_.give(std::move(first.data));
        first.data.reset();
        if (head_ >= 64)
            segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(std::exchange(head_, 0)));
        return;
    }
    std::shared_ptr<buffer> kept = first.open && first.data->capacity() <= first_chunk ? std::move(first.data) : nullptr;
    if (first.open && first.data) chunks_.give(std::move(first.data));
    clear();
    if (kept) add(std::move(kept), 0, 0).open = true;
}

std::size_t send_queue::give_back(std::vector<std::string>& whole) {
    std::size_t lost = 0;
    bool begun = inside_;
    std::string message;
    for (std::size_t i = head_; i < segments_.size(); ++i) {
        const segment& each = segments_[i];
        if (!each.framed) continue;
        const std::string_view bytes(each.data->data(), each.end);
        zmtp::frame next;
        for (std::size_t at = each.frame; zmtp::parse_header(bytes.substr(at), next) == zmtp::parsed::whole;) {
            if (!next.command()) {
                begun = begun || at < each.begin;
                message.append(bytes.substr(at, static_cast<std::size_t>(next.size())));
                if (!next.more()) {
                    begun ? void(++lost) : whole.push_back(std::move(message));
                    message.clear();
                    begun = false;
                }
            }
            at += static_cast<std::size_t>(next.size());
        }
    }
    clear();
    return lost;
}

void send_queue::clear() noexcept {
    segments_.clear();
    if (segments_.capacity() > 64) std::vector<segment>().swap(segments_);
    head_ = messages_ = bytes_ = 0;
    inside_ = false;
}

}  // namespace zdev::wire
