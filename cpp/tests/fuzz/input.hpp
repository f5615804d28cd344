// The bytes of a fuzzer as a series of choices; after the last byte, every choice is 0.

#ifndef ZDEV_TESTS_FUZZ_INPUT_HPP
#define ZDEV_TESTS_FUZZ_INPUT_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace zdev::fuzz {

class input {
public:
    input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

    bool empty() const { return at_ == end_; }
    unsigned below(std::size_t n) { return static_cast<unsigned>(empty() ? 0 : *at_++ % n); }  // n: 256 at most
    bool flag() { return below(2) != 0; }
    std::string bytes(std::size_t n) {
        std::string taken;
        while (taken.size() < n && !empty()) taken.push_back(static_cast<char>(*at_++));
        return taken;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

inline std::string scenery;  // describes the input in error messages

// Reports a broken rule and aborts, as fuzzers expect.
[[noreturn]] inline void fail(const std::string& what) {
    std::fprintf(stderr, "rule broken (%s): %s\n", scenery.c_str(), what.c_str());
    std::abort();
}

// Prints what an input does if ZDEV_FUZZ_TRACE is in the environment.
template <class... Words>
void trace(const char* format, Words... words) {
    static const bool enabled = std::getenv("ZDEV_FUZZ_TRACE") != nullptr;  // NOLINT(concurrency-mt-unsafe): never set here
    if (enabled) std::fprintf(stderr, format, words...);
}

inline void expect(bool holds, const std::string& rule) {
    if (!holds) fail(rule);
}

}  // namespace zdev::fuzz

#endif
