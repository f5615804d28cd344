#include "sealed_stream.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t sealed_batch = std::size_t{64} * 1024;  // bytes sealed at a time, or one larger frame
constexpr std::size_t small_output = std::size_t{4} * 1024;   // bytes that a connection may keep allocated

}  // namespace

std::size_t sealed_stream::open(char* data, std::size_t size) {
    std::size_t used = 0, made = 0;
    if (why_ != zmtp::stop::partial) return 0;
    needed_ = 0;
    while (used < size) {
        const std::string_view left(data + used, size - used);
        zmtp::frame outer;
        const zmtp::parsed header = zmtp::parse_header(left, outer);
        if (header == zmtp::parsed::invalid) return why_ = zmtp::stop::invalid, made;
        if (header == zmtp::parsed::whole && outer.body > zmtp::cipher::overhead &&
            outer.body - zmtp::cipher::overhead > largest_) {
            return why_ = zmtp::stop::too_large, made;
        }
        if (header == zmtp::parsed::partial || left.size() < outer.size()) {
            needed_ = header == zmtp::parsed::partial ? left.size() + 1 : static_cast<std::size_t>(outer.size());
            if (left.data() != rest_.data()) rest_.append(left);
            return made;
        }
        const std::size_t opened = cipher_->open(data + made, left.substr(outer.header, static_cast<std::size_t>(outer.body)));
        if (opened == 0) return why_ = zmtp::stop::invalid, made;
        made += opened;
        used += static_cast<std::size_t>(outer.size());
    }
    return made;
}

std::size_t sealed_stream::gather(const send_queue& queue, iovec* to) {
    if (out_.empty()) fill(queue);
    *to = {out_.data(), out_.size()};
    return out_.empty() ? 0 : 1;
}

void sealed_stream::fill(const send_queue& queue) {
    parts_.clear();
    next_ = 0;
    queue.for_each([this](std::string_view bytes, bool framed) {
        if (!framed) {
            out_.append(bytes);
            parts_.push_back({bytes.size(), bytes.size()});
            return true;
        }
        for (zmtp::frame each; zmtp::parse_header(bytes, each) == zmtp::parsed::whole;) {
            if (!out_.empty() && out_.size() + each.size() > sealed_batch) return false;
            seal(bytes.substr(0, static_cast<std::size_t>(each.size())));
            bytes.remove_prefix(static_cast<std::size_t>(each.size()));
        }
        return true;
    });
}

void sealed_stream::seal(std::string_view whole) {
    zmtp::frame plain;
    zmtp::parse_header(whole, plain);
    const std::size_t most = whole.size() + zmtp::longest_header + zmtp::cipher::overhead;
    if (out_.space() < most) out_.reserve_more(std::max(most, out_.size()));
    const std::size_t size = cipher_->seal(out_.end(), plain.flags, whole.substr(plain.header));
    out_.written(size);
    parts_.push_back({size, whole.size()});
}

// The first byte of a frame is taken from the queue when the first of its sealed bytes has been written: from then on, it
// cannot be given to another peer.
void sealed_stream::written(std::size_t bytes, send_queue& queue) {
    out_.consume(bytes);
    std::size_t plain = 0;
    while (bytes > 0) {
        const part& first = parts_[next_];
        const std::size_t count = std::min(bytes, first.sealed - done_);
        bytes -= count;
        done_ += count;
        if (done_ < first.sealed) break;
        plain += first.plain - taken_;
        done_ = taken_ = 0;
        ++next_;
    }
    if (done_ > 0 && taken_ == 0) plain += taken_ = 1;
    queue.consume(plain);
    if (!out_.empty()) return;
    if (out_.capacity() > small_output) out_.release();
    if (parts_.capacity() > 64) std::vector<part>().swap(parts_);
}

}  // namespace zdev::wire
