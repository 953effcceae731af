// A small pool of threads. A phase is one function run by threads 0 … n-1, thread 0 being the caller; it returns when
// all have. Workers wait for the next phase by spinning for a moment, then asleep.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace backlit {

class Pool {
 public:
  using Phase = void (*)(void* context, int thread, int threads);

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
    void run(int threads, Phase phase, void* context);

   private:
    Pool* pool_;
    int threads_;
  };

 private:
  struct alignas(128) Worker {
    std::atomic<std::uint64_t> asked{0};
    Phase phase = nullptr;
    void* context = nullptr;
    int threads = 0;
    std::atomic<bool> asleep{false};
    std::mutex mutex;
    std::condition_variable wake;
    std::thread thread;
  };

  Pool() = default;
  ~Pool() = default;
  void grow(int threads);
  void run(int threads, Phase phase, void* context);
  void work(Worker& worker, int index);
  static int available_at_start();
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  std::mutex busy_;
  std::vector<std::unique_ptr<Worker>> workers_;
  alignas(128) std::atomic<int> pending_{0};
};

// How many threads this process may use: BACKLIT_NUM_THREADS, else OMP_NUM_THREADS, else the cores that affinity and
// cgroup leave it.
int allowed_threads();

// For tests: exactly this many threads in every phase, whatever the size of the work; 0 goes back to choosing.
void force_threads(int threads);
int forced_threads();

}  // namespace backlit
