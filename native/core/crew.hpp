// Who does the work of a pass: phases split over threads, as many as the phase's size is worth; and who may stop it.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

#include "denormals.hpp"
#include "pool.hpp"

namespace backlit {

// Thrown between phases when the caller asks to stop; parameters are then those of the last whole step.
struct Interrupted {};

class Crew {
 public:
  using Poll = std::function<bool()>;  // true: stop

  // As many threads as `step_flops` is worth, at most those allowed.
  explicit Crew(double step_flops, Poll poll = {})
      : lease_(forced_threads() ? forced_threads()
               : step_flops < 2 * GRAIN ? 1
                                        : allowed_threads()),
        poll_(std::move(poll)) {}

  // One thread: for a part of a phase that others are at work on too.
  struct Alone {};
  explicit Crew(Alone) : lease_(1) {}

  int threads() const { return lease_.threads(); }

  // f(begin, end) over parts of 0 … items - 1. Threads join in where each finds GRAIN flops to do.
  template <class F>
  void each(int items, double flops, F f) {
    share(flops, [&](int thread, int threads) { f(part(items, thread, threads), part(items, thread + 1, threads)); });
  }

  // f(thread, threads) once a thread.
  template <class F>
  void share(double flops, F f) {
    const double worth = flops / GRAIN;
    const int threads = forced_threads() ? lease_.threads()
                        : worth < 2      ? 1
                                         : int(worth < lease_.threads() ? worth : lease_.threads());
    lease_.run(threads, [](void* context, int t, int n) { (*static_cast<F*>(context))(t, n); }, &f);
    done_ += flops;
  }

  static int part(int items, int thread, int threads) { return int(std::int64_t(items) * thread / threads); }

  // Asks whether to stop, every 50 ms or so; called where stopping leaves nothing half done.
  void maybe_stop() {
    if (done_ < POLL_FLOPS) return;
    done_ = 0;
    const auto now = std::chrono::steady_clock::now();
    if (now - asked_ < std::chrono::milliseconds(50)) return;
    asked_ = now;
    if (poll_ && poll_()) throw Interrupted{};
  }

 private:
  static constexpr double GRAIN = 1e6;        // flops a thread must have before another is worth waking: some 5 µs
  static constexpr double POLL_FLOPS = 3e6;  // between looks at the clock
  DenormalsAreZero flush_;
  Pool::Lease lease_;
  Poll poll_;
  double done_ = 0;
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

}  // namespace backlit
