// Philox 4×64-10, as NumPy's: a block of four 64-bit words for each (key, counter). See src/backlit/randomness.py.
#pragma once
#include <cstdint>

namespace backlit {
namespace {  // one copy a source file: each is compiled for its own instruction set

struct PhiloxBlock {
  std::uint64_t words[4];
};

inline PhiloxBlock philox(std::uint64_t key_0, std::uint64_t key_1, std::uint64_t counter_0, std::uint64_t counter_1,
                          std::uint64_t counter_2, std::uint64_t counter_3) {
  __extension__ typedef unsigned __int128 Wide;
  for (int round = 0; round < 10; ++round) {
    const Wide first = Wide(0xD2E7470EE14C6C93ull) * counter_0, second = Wide(0xCA5A826395121157ull) * counter_2;
    counter_0 = std::uint64_t(second >> 64) ^ counter_1 ^ key_0;
    counter_1 = std::uint64_t(second);
    counter_2 = std::uint64_t(first >> 64) ^ counter_3 ^ key_1;
    counter_3 = std::uint64_t(first);
    key_0 += 0x9E3779B97F4A7C15ull;
    key_1 += 0xBB67AE8584CAA73Bull;
  }
  return {{counter_0, counter_1, counter_2, counter_3}};
}

}  // namespace
}  // namespace backlit
