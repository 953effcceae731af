// θ as the kernels want it. For each layer: W^lᵀ in panels, which feed forward multiplies by and the fused update keeps
// current; from layer 3 on also W^l in panels, the mirror BP2 multiplies by; b^l padded to whole panels. An optimizer's
// slot lies as θ does, without mirrors; a matrix unit reads Wᵀ for BP2 too. Padding is zero and stays zero.
#pragma once
#include <vector>

#include "buffer.hpp"
#include "crew.hpp"
#include "work.hpp"

namespace backlit {

struct LayerSpec {
  int inputs, neurons;
  Activation activation;
  double dropout;  // p
};

// Whether a layer's three products go to a matrix unit, in a training with batches of `rows`; 0: they do not.
template <class T>
bool on_matrix_unit(const Kernels<T>& kernels, const LayerSpec& spec, int rows) {
  return rows > 0 && kernels.splits && kernels.splits(rows, spec.inputs, spec.neurons);
}

inline int padded(int n, int panel) { return (n + panel - 1) / panel * panel; }

template <class T>
class Parameters {
 public:
  struct Layer {
    Buffer<T> weights, mirror, bias;
    std::ptrdiff_t weights_stride = 0, mirror_stride = 0;
  };

  Parameters() = default;
  // With mirrors where BP2 will want them.
  Parameters(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, bool mirrors, int unit_rows = 0)
      : kernels_(&kernels), specs_(&specs) {
    for (std::size_t l = 0; l < specs.size(); ++l) {
      const std::ptrdiff_t inputs = padded(specs[l].inputs, kernels.panel),
                           neurons = padded(specs[l].neurons, kernels.panel);
      Layer layer;
      layer.weights_stride = inputs * kernels.panel;
      layer.weights = Buffer<T>(std::size_t(inputs * neurons));
      layer.bias = Buffer<T>(std::size_t(neurons));
      if (mirrors && l > 0 && !on_matrix_unit(kernels, specs[l], unit_rows)) {
        layer.mirror_stride = neurons * kernels.panel;
        layer.mirror = Buffer<T>(std::size_t(inputs * neurons));
      }
      layers_.push_back(std::move(layer));
    }
  }

  const Layer& operator[](std::size_t l) const { return layers_[l]; }
  explicit operator bool() const { return !layers_.empty(); }

  // From a vector laid out as network.parameters: W² row by row, b², W³, b³, …
  void load(Crew& crew, const T* theta) { move(crew, const_cast<T*>(theta), true); }
  void store(Crew& crew, T* theta) const { const_cast<Parameters*>(this)->move(crew, theta, false); }

 private:
  void move(Crew& crew, T* theta, bool in) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const LayerSpec& spec = (*specs_)[l];
      Layer& layer = layers_[l];
      const Repack<T> work{spec.neurons,         spec.inputs,        theta, layer.weights.get(),
                           layer.weights_stride, layer.mirror.get(), layer.mirror_stride};
      const double numbers = double(spec.neurons) * spec.inputs;
      crew.each(kernels_->repack_items(work), 20 * numbers,
                [&](int begin, int end) { (in ? kernels_->pack : kernels_->unpack)(work, begin, end); });
      theta += std::ptrdiff_t(spec.neurons) * spec.inputs;
      if (in)
        std::memcpy(layer.bias.get(), theta, std::size_t(spec.neurons) * sizeof(T));
      else
        std::memcpy(theta, layer.bias.get(), std::size_t(spec.neurons) * sizeof(T));
      theta += spec.neurons;
    }
  }

  const Kernels<T>* kernels_ = nullptr;
  const std::vector<LayerSpec>* specs_ = nullptr;
  std::vector<Layer> layers_;
};

}  // namespace backlit
