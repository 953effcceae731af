// A network for passes outside a training: predictions, one forward pass, one pass there and back. Without dropout.
#pragma once
#include "pass.hpp"

namespace backlit {

template <class T>
class Model {
 public:
  Model(const Kernels<T>& kernels, std::vector<LayerSpec> specs);

  // Takes θ in, unless it is what was last taken in: whoever owns it may have written into it since.
  void load(const T* theta);

  // a^L (and z^L where asked for) of `rows` rows, chunk by chunk; nothing else is kept. One row is had from θ directly.
  void predict(const T* theta, const T* X, std::int64_t rows, T* a, T* z, const Crew::Poll& poll);

  // Every z and a of m rows, in pass().
  void feed_forward(const T* X, int m, const Crew::Poll& poll);
  // Every z, a, δ in pass(), the gradient (laid out as θ) in `gradient`.
  void backpropagate(const T* X, const T* Y, const T* row_weights, int m, const ObjectiveSpec& objective, T* gradient,
                     const Crew::Poll& poll);
  const Pass<T>& pass() const { return *pass_; }

  std::size_t parameter_count() const { return count_; }
  const std::vector<LayerSpec>& specs() const { return specs_; }
  const Kernels<T>& kernels() const { return kernels_; }

 private:
  double flops(std::int64_t rows) const { return 2.0 * double(count_) * double(rows); }
  void predict_row(const T* theta, const T* x, T* a);
  void predict_rows(Crew& crew, Pass<T>& pass, const T* X, std::int64_t row, int m, T* a, T* z);

  const Kernels<T>& kernels_;
  std::vector<LayerSpec> specs_;
  std::size_t count_ = 0;
  Parameters<T> parameters_;
  Buffer<T> loaded_;  // θ as it was last taken in
  bool has_loaded_ = false;
  std::unique_ptr<Pass<T>> pass_, row_;
  std::vector<std::unique_ptr<Pass<T>>> chunks_;  // one a thread
  int chunk_rows_ = 0;
  bool chunks_keep_z_ = false;
};

}  // namespace backlit
