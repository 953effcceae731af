#include "model.hpp"

#include <algorithm>

namespace backlit {

namespace {
constexpr int CHUNK = 256;  // rows whose activations stay in the second-level cache beside the weights
constexpr int FEWEST = 64;  // rows a thread takes for itself
}

template <class T>
Model<T>::Model(const Kernels<T>& kernels, std::vector<LayerSpec> specs)
    : kernels_(kernels), specs_(std::move(specs)), parameters_(kernels, specs_, true) {
  for (const LayerSpec& spec : specs_) count_ += std::size_t(spec.neurons) * (std::size_t(spec.inputs) + 1);
  loaded_ = Buffer<T>(count_);
}

template <class T>
void Model<T>::load(const T* theta) {
  if (has_loaded_ && std::memcmp(theta, loaded_.get(), count_ * sizeof(T)) == 0) return;
  Crew crew(20.0 * double(count_));
  parameters_.load(crew, theta);
  std::memcpy(loaded_.get(), theta, count_ * sizeof(T));
  has_loaded_ = true;
}

template <class T>
void Model<T>::predict_row(const T* theta, const T* x, T* a) {
  if (!row_) {
    typename Pass<T>::Wants wants;
    wants.backward = false;
    row_ = std::make_unique<Pass<T>>(kernels_, specs_, 1, wants);
  }
  Crew crew(4 * flops(1));
  row_->gather(crew, x, nullptr, nullptr, nullptr, 0, 1);
  row_->feed_forward_single_row(crew, theta);
  row_->softmax_output(crew);
  row_->copy_sigma(specs_.size() - 1, a);
}

template <class T>
void Model<T>::predict(const T* theta, const T* X, std::int64_t rows, T* a, T* z, const Crew::Poll& poll) {
  if (rows == 1 && !z) return predict_row(theta, X, a);
  load(theta);
  const int needed = int(std::min<std::int64_t>(rows, CHUNK));
  Crew crew(flops(std::int64_t(needed)), poll);
  // Many rows: a chunk for each thread, which shares nothing with the others but θ. Few: all threads on one chunk.
  const int parts = rows >= std::int64_t(crew.threads()) * FEWEST ? crew.threads() : 1;
  if (int(chunks_.size()) < parts || needed > chunk_rows_ || (z && !chunks_keep_z_)) {
    typename Pass<T>::Wants wants;
    wants.backward = false, wants.everything = z != nullptr;
    std::vector<std::unique_ptr<Pass<T>>> chunks;
    for (int k = 0; k < parts; ++k) chunks.push_back(std::make_unique<Pass<T>>(kernels_, specs_, needed, wants));
    chunks_.swap(chunks), chunk_rows_ = needed, chunks_keep_z_ = z != nullptr;
  }
  for (std::int64_t row = 0; row < rows; row += std::int64_t(parts) * CHUNK) {
    const int m = int(std::min<std::int64_t>(std::int64_t(parts) * CHUNK, rows - row));
    if (parts == 1)
      predict_rows(crew, *chunks_.front(), X, row, m, a, z);
    else
      crew.share(flops(m), [&](int part, int of) {
        for (int k = part; k < parts; k += of) {  // fewer threads than chunks where the last rows are few
          const int begin = Crew::part(m, k, parts), end = Crew::part(m, k + 1, parts);
          Crew alone{Crew::Alone{}};
          if (end > begin) predict_rows(alone, *chunks_[std::size_t(k)], X, row + begin, end - begin, a, z);
        }
      });
    crew.maybe_stop();
  }
}

template <class T>
void Model<T>::predict_rows(Crew& crew, Pass<T>& pass, const T* X, std::int64_t row, int m, T* a, T* z) {
  const std::ptrdiff_t outputs = specs_.back().neurons;
  pass.gather(crew, X, nullptr, nullptr, nullptr, row, m);
  pass.feed_forward(crew, parameters_, nullptr);
  pass.softmax_output(crew);
  pass.copy_sigma(specs_.size() - 1, a + row * outputs);
  if (z) pass.copy_z(specs_.size() - 1, z + row * outputs);
}

template <class T>
void Model<T>::feed_forward(const T* X, int m, const Crew::Poll& poll) {
  typename Pass<T>::Wants wants;
  wants.backward = false, wants.everything = true;
  pass_ = std::make_unique<Pass<T>>(kernels_, specs_, m, wants);
  Crew crew(flops(m), poll);
  pass_->gather(crew, X, nullptr, nullptr, nullptr, 0, m);
  pass_->feed_forward(crew, parameters_, nullptr);
  pass_->softmax_output(crew);
}

template <class T>
void Model<T>::backpropagate(const T* X, const T* Y, const T* row_weights, int m, const ObjectiveSpec& objective,
                             T* gradient, const Crew::Poll& poll) {
  typename Pass<T>::Wants wants;
  wants.everything = true;
  wants.unit_rows = m;
  wants.row_weights = std::any_of(row_weights, row_weights + m, [](T w) { return w != T(1); });
  pass_ = std::make_unique<Pass<T>>(kernels_, specs_, m, wants);
  Crew crew(3 * flops(m), poll);
  pass_->gather(crew, X, Y, row_weights, nullptr, 0, m);
  pass_->feed_forward(crew, parameters_, nullptr);
  pass_->output_error(crew, objective, Decision::none);
  pass_->backpropagate_error(crew, parameters_);
  pass_->prepare_gradients(crew);
  const Parameters<T> gradients(kernels_, specs_, false);
  for (std::size_t l = 0; l < specs_.size(); ++l) {
    WeightGradient<T> w = pass_->weight_gradient(l, parameters_, objective.penalty);
    w.gradient = gradients[l].weights.get(), w.bias_gradient = gradients[l].bias.get();
    crew.each(kernels_.weight_gradient_items(w), 2.0 * m * w.inputs * w.neurons,
              [&](int begin, int end) { kernels_.weight_gradient(w, begin, end); });
    crew.maybe_stop();
  }
  gradients.store(crew, gradient);
}

template class Model<float>;
template class Model<double>;

}  // namespace backlit
