// A doubly linked list whose links are members of its elements: to add or remove one allocates nothing, and an element can be
// in several lists.

#ifndef ZDEV_SRC_WIRE_WORKERS_CHAIN_HPP
#define ZDEV_SRC_WIRE_WORKERS_CHAIN_HPP

namespace zdev::wire {

template <class T>
struct chain_link {
    T *before = nullptr, *after = nullptr;
};

template <class T, chain_link<T> T::* link>
class chain {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    T* first() const noexcept { return first_; }
    T* last() const noexcept { return last_; }
    static T* next(const T& of) noexcept { return (of.*link).after; }
    static T* previous(const T& of) noexcept { return (of.*link).before; }

    void push_back(T& added) noexcept {
        added.*link = {last_, nullptr};
        (last_ ? (last_->*link).after : first_) = &added;
        last_ = &added;
    }
    void push_front(T& added) noexcept {
        added.*link = {nullptr, first_};
        (first_ ? (first_->*link).before : last_) = &added;
        first_ = &added;
    }
    void remove(T& gone) noexcept {
        const chain_link<T> around = gone.*link;
        (around.before ? (around.before->*link).after : first_) = around.after;
        (around.after ? (around.after->*link).before : last_) = around.before;
        gone.*link = {};
    }

private:
    T *first_ = nullptr, *last_ = nullptr;
};

}  // namespace zdev::wire

#endif
