// A small pool of threads. A phase is one function run over parts 0 … n-1; whoever is there takes the next part, and the
// phase ends when all are done. A worker that comes late, asleep or put aside for another program, finds its part taken
// by the caller: nobody waits for a thread that has not begun. Workers wait for the next phase by spinning for a moment,
// then asleep.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace backlit {

class Pool {
 public:
  using Phase = void (*)(void* context, int part, int parts);

  // The process's pool. A forked child gets a new one: threads do not survive a fork.
  static Pool& instance();

  // The pool for one caller at a time; a second caller, at the same time, works alone: the bits are the same.
  class Lease {
   public:
    explicit Lease(int threads);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    int threads() const { return threads_; }
    void run(int parts, Phase phase, void* context);

   private:
    Pool* pool_;
    int threads_;
  };

 private:
  Pool() = default;
  ~Pool() = default;
  void grow(int threads);
  void run(int parts, Phase phase, void* context);
  void work(int index);
  void take_parts(std::uint64_t ticket);

  static int available_at_start();
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  // A phase's number, how many parts it has, how many are taken: one word, so that a part can only be taken of a phase
  // that is still open.
  static constexpr int COUNT_BITS = 12;
  static std::uint64_t number(std::uint64_t ticket) { return ticket >> (2 * COUNT_BITS); }
  static int parts(std::uint64_t ticket) { return int(ticket >> COUNT_BITS) & ((1 << COUNT_BITS) - 1); }
  static int taken(std::uint64_t ticket) { return int(ticket) & ((1 << COUNT_BITS) - 1); }

  std::mutex busy_;  // one caller at a time
  int workers_ = 0;
  Phase phase_ = nullptr;  // read only by whoever has taken a part
  void* context_ = nullptr;
  alignas(128) std::atomic<std::uint64_t> ticket_{0};
  alignas(128) std::atomic<int> finished_{0};
  alignas(128) std::atomic<int> asleep_{0};
  std::atomic<int> wanted_{0};  // workers from this one on are to stay asleep
  std::mutex sleep_;
  std::condition_variable wake_;
};

// How many threads this process may use: BACKLIT_NUM_THREADS, else OMP_NUM_THREADS, else the cores that affinity and
// cgroup leave it.
int allowed_threads();

// For tests: exactly this many threads in every phase, whatever the size of the work; 0 goes back to choosing.
void force_threads(int threads);
int forced_threads();

}  // namespace backlit
