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

constexpr int MOST = 1024;  // threads of a pool
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
  for (; workers_ < threads - 1; ++workers_) std::thread([this, index = workers_] { work(index); }).detach();
}

void Pool::take_parts(std::uint64_t ticket) {
  const std::uint64_t phase = number(ticket);
  while (number(ticket) == phase && taken(ticket) < parts(ticket)) {
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    phase_(context_, taken(ticket), parts(ticket));
    finished_.fetch_add(1, std::memory_order_release);
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void Pool::work(int index) {
  const DenormalsAreZero flush;
  std::uint64_t seen = 0;
  for (;;) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    for (int spin = 0; number(ticket) == seen; ++spin) {
      // more threads than cores: one that spins keeps another waiting
      if (spin < SPINS && index < wanted_.load(std::memory_order_relaxed) &&
          wanted_.load(std::memory_order_relaxed) < available_at_start()) {
        pause();
      } else {
        std::unique_lock<std::mutex> lock(sleep_);
        asleep_.fetch_add(1);
        wake_.wait(lock, [&] { return number(ticket_.load()) != seen && index < wanted_.load(); });
        asleep_.fetch_sub(1);
      }
      ticket = ticket_.load(std::memory_order_acquire);
    }
    seen = number(ticket);
    take_parts(ticket);
  }
}

void Pool::run(int parts, Phase phase, void* context) {
  phase_ = phase;
  context_ = context;
  finished_.store(0, std::memory_order_relaxed);
  const std::uint64_t ticket = (number(ticket_.load(std::memory_order_relaxed)) + 1) << (2 * COUNT_BITS) |
                               std::uint64_t(parts) << COUNT_BITS;
  wanted_.store(parts - 1);
  ticket_.store(ticket);
  if (asleep_.load() > workers_ - (parts - 1)) {  // more asleep than are to be
    { std::lock_guard<std::mutex> lock(sleep_); }
    wake_.notify_all();
  }
  take_parts(ticket);
  for (int spin = 0; finished_.load(std::memory_order_acquire) != parts; ++spin)
    spin < SPINS && parts <= available_at_start() ? pause() : std::this_thread::yield();
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
  threads_ = threads < MOST ? threads : MOST;
  pool.grow(threads_);
}

Pool::Lease::~Lease() {
  if (pool_) pool_->busy_.unlock();
}

void Pool::Lease::run(int parts, Phase phase, void* context) {
  if (parts > threads_) parts = threads_;
  if (parts < 2)
    phase(context, 0, 1);
  else
    pool_->run(parts, phase, context);
}

}  // namespace backlit
