// Decides which peers may connect to a role: its security mechanism, with its keys, and the credentials and rights of its
// peers.
//
// Threads: the loop's alone, but for set(), take_refused() and take_denied(). New credentials take effect with adopt(), so that
// a handshake needs no lock.

#ifndef ZDEV_SRC_WIRE_ADMISSION_HPP
#define ZDEV_SRC_WIRE_ADMISSION_HPP

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <zdev/wire.hpp>

#include "../zmtp/curve.hpp"
#include "rights.hpp"

namespace zdev::wire {

class admission final : public zmtp::gate {
public:
    admission(const std::string& role, const wire::security& asked);  // throws zdev::error: EINVAL, ENOTSUP
    ~admission() override;
    admission(const admission&) = delete;
    admission& operator=(const admission&) = delete;

    std::unique_ptr<zmtp::mechanism> make_mechanism();
    bool is_server() const noexcept { return server_; }
    bool has_keys_of(const wire::security& asked) const;  // it has the same mechanism and keys; credentials may differ

    zmtp::verdict admit(std::string_view id, std::string_view password, bool again) override;

    void set(credentials now);
    // Takes credentials that were set(). False: there are none. Then withdrawn() says which peers have lost theirs.
    bool adopt();
    bool withdrawn(const std::string& id) const;
    std::string user_of(const std::string& id) const;  // PLAIN: the name; CURVE: the name of the key, if it has one
    std::shared_ptr<const user_rights> rights_of(const std::string& id) const {
        return rights_.limited() ? rights_.of(user_of(id)) : nullptr;
    }

    void ask_again() noexcept { asking_ = true; }  // after the peers that waited have been decided on

    void note_refused(const std::string& address, const std::string& id, const std::string& reason);
    std::vector<refused_peer> take_refused();
    // Costs nothing while an earlier one has not been taken, so that a peer can cause any number.
    void note_denied(const std::string& address, const std::string& id, bool subscription, std::string_view topic);
    std::optional<denied_topic> take_denied();

private:
    void adopt_keys(const wire::security& asked);

    const bool server_, plain_;
    std::optional<zmtp::crypto::key_pair> keys_;
    std::string server_key_;
    std::string name_, password_;
    std::function<void()> on_peer_;
    credentials current_, former_;
    rights_table rights_;
    bool asking_ = true;  // peers wait for credentials; false: these have just come

    std::atomic<bool> changed_{false}, has_denied_{false};
    std::mutex guard_;  // of the members below
    credentials next_;
    std::deque<refused_peer> refused_;
    denied_topic denied_;
};

}  // namespace zdev::wire

#endif
