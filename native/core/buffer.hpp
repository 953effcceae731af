// Memory for numbers: zeroed, aligned to a cache line, on huge pages where it is large.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace backlit {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) {
    constexpr std::size_t HUGE = std::size_t(2) << 20;
    if (count > (std::size_t(-1) >> 8)) throw std::bad_alloc();
    std::size_t bytes = count * sizeof(T);
    const std::size_t unit = bytes > HUGE / 4 ? HUGE : 64;
    bytes = (bytes / unit + 1) * unit;
    data_ = static_cast<T*>(std::aligned_alloc(unit, bytes));
    if (!data_) throw std::bad_alloc();
#if defined(__linux__)
    if (unit == HUGE) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
    std::memset(static_cast<void*>(data_), 0, bytes);
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  T* get() const { return data_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  T* data_ = nullptr;
};

}  // namespace backlit
