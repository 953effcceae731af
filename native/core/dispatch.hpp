// Which instruction set's kernels run: the best this CPU can, by its features, once; BACKLIT_ISA or the setter choose
// another that it can.
#pragma once
#include <string>
#include <vector>

#include "work.hpp"

namespace backlit {

std::vector<std::string> available_isas();  // best first
std::string current_isa();
void set_isa(const std::string& isa);  // "" or "auto": the best; throws std::invalid_argument where it is not available

template <class T>
const Kernels<T>* kernels();

}  // namespace backlit
