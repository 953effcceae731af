#include "pool.hpp"

#include "denormals.hpp"

#include <cstdio>
#include <cstdlib>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace backlit {

namespace {

constexpr int SPINS = 4000;  // about 0.1 ms: longer than any pause between the phases of a step

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int number_from(const char* variable) {
  const char* text = std::getenv(variable);
  const int number = text ? std::atoi(text) : 0;
  return number > 0 ? number : 0;
}

// The cgroup's share of the machine in whole cores, at least 1; 0 where there is no limit.
int cgroup_cores() {
  long long quota = -1, period = 0;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1;
    std::fclose(file);
  } else {
    const char* names[2] = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
    long long* values[2] = {&quota, &period};
    for (int k = 0; k < 2; ++k)
      if (std::FILE* v1 = std::fopen(names[k], "r")) {
        if (std::fscanf(v1, "%lld", values[k]) != 1) quota = -1;
        std::fclose(v1);
      }
  }
  if (quota <= 0 || period <= 0) return 0;
  return int((quota + period - 1) / period);
}

int available_cores() {
  int cores = int(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
#endif
  if (const int limit = cgroup_cores(); limit && limit < cores) cores = limit;
  return cores > 0 ? cores : 1;
}

std::atomic<int> forced{0};

Pool* the_pool = nullptr;
std::mutex the_pool_mutex;

}  // namespace

int allowed_threads() {
  if (const int n = number_from("BACKLIT_NUM_THREADS")) return n;
  if (const int n = number_from("OMP_NUM_THREADS")) return n;
  return available_cores();
}

void force_threads(int threads) { forced = threads; }
int forced_threads() { return forced; }

Pool& Pool::instance() {
  std::lock_guard<std::mutex> lock(the_pool_mutex);
  if (!the_pool) {
    the_pool = new Pool();  // never deleted: workers may outlive the end of main
#if defined(__linux__)
    static const int once = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    (void)once;
#endif
  }
  return *the_pool;
}

void Pool::before_fork() { the_pool_mutex.lock(); }
void Pool::after_fork_in_parent() { the_pool_mutex.unlock(); }
void Pool::after_fork_in_child() {
  the_pool = nullptr;  // its threads are gone; what they held is left alone
  the_pool_mutex.unlock();
}

void Pool::grow(int threads) {
  while (int(workers_.size()) < threads - 1) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.thread = std::thread([this, &worker, index = int(workers_.size())] { work(worker, index); });
    worker.thread.detach();
  }
}

void Pool::work(Worker& worker, int index) {
  const DenormalsAreZero flush;
  std::uint64_t done = 0;
  bool may_spin = true;
  for (;;) {
    for (int spin = 0; worker.asked.load(std::memory_order_acquire) == done; ++spin) {
      if (may_spin && spin < SPINS) {
        pause();
        continue;
      }
      std::unique_lock<std::mutex> lock(worker.mutex);
      worker.asleep.store(true);
      worker.wake.wait(lock, [&] { return worker.asked.load() != done; });
      worker.asleep.store(false);
    }
    ++done;
    may_spin = worker.threads <= available_at_start();  // more threads than cores: one that spins keeps another waiting
    worker.phase(worker.context, index, worker.threads);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

void Pool::run(int threads, Phase phase, void* context) {
  pending_.store(threads - 1, std::memory_order_relaxed);
  for (int k = 0; k < threads - 1; ++k) {
    Worker& worker = *workers_[std::size_t(k)];
    worker.phase = phase;
    worker.context = context;
    worker.threads = threads;
    worker.asked.fetch_add(1);
    if (worker.asleep.load()) {
      std::lock_guard<std::mutex> lock(worker.mutex);
      worker.wake.notify_one();
    }
  }
  phase(context, 0, threads);
  for (int spin = 0; pending_.load(std::memory_order_acquire) != 0; ++spin)
    spin < SPINS && threads <= available_at_start() ? pause() : std::this_thread::yield();
}

int Pool::available_at_start() {
  static const int cores = available_cores();
  return cores;
}

Pool::Lease::Lease(int threads) : pool_(nullptr), threads_(1) {
  if (threads < 2) return;
  Pool& pool = Pool::instance();
  if (!pool.busy_.try_lock()) return;
  pool_ = &pool;
  threads_ = threads;
  pool.grow(threads);
}

Pool::Lease::~Lease() {
  if (pool_) pool_->busy_.unlock();
}

void Pool::Lease::run(int threads, Phase phase, void* context) {
  if (threads > threads_) threads = threads_;
  if (threads < 2)
    phase(context, 0, 1);
  else
    pool_->run(threads, phase, context);
}

}  // namespace backlit
