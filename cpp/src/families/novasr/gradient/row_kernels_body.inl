// One instruction set's row kernels: the including file sets NOVASR_ROW_KERNELS, their name.
// No standard header with inline code may be included here, see row_kernels.hpp.
#include "row_kernels.hpp"
#include "simd/intrinsics.hpp"

#define NOVASR_WIDTH 8  // for every instruction set: the compiler splits vectors where necessary

namespace novasr::training {
namespace {
#include "simd/vectors.inl"

constexpr float kTwoPi = 6.283185307f;

// -cos(2 pi x): with q = |x - round(x)| - 1/4 it is sin(2 pi q), here by its Taylor series; 4e-7 at |q| = 1/4.
NOVASR_INLINE float minus_cos_turns(float x) {
  const float q = __builtin_fabsf(x - __builtin_nearbyintf(x)) - 0.25f;
  const float s = q * q;
  return q * (kTwoPi +
              s * (-41.34170224f + s * (81.60524928f + s * (-76.70585975f + s * (42.05869394f + s * -15.09464258f)))));
}

void up_sample(const Phases& up, const Rows& in, Rows& even, Rows& odd, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* x = in.row(i - 1);
    float* e = even.row(i);
    float* o = odd.row(i);
    for (size_t c = 0; c < kLanes; ++c) {
      float sum_e = 0, sum_o = 0;
      for (size_t k = 0; k < 6; ++k) {
        sum_e += up.even[k] * x[k * kLanes + c];
        sum_o += up.odd[k] * x[k * kLanes + c];
      }
      e[c] = sum_e;
      o[c] = sum_o;
    }
  }
}

void up_sample_transposed(const Phases& up, const Rows& even, const Rows& odd, Rows& out, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* e = even.row(i - 4);
    const float* o = odd.row(i - 4);
    float* y = out.row(i);
    for (size_t c = 0; c < kLanes; ++c) {
      float sum = 0;
      for (size_t k = 0; k < 6; ++k) sum += up.even[5 - k] * e[k * kLanes + c] + up.odd[5 - k] * o[k * kLanes + c];
      y[c] = sum;
    }
  }
}

void down_sample(const Phases& down, const Rows& even, const Rows& odd, Rows& out, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* e = even.row(i - 2);
    const float* o = odd.row(i - 3);
    float* y = out.row(i);
    for (size_t c = 0; c < kLanes; ++c) {
      float sum = 0;
      for (size_t k = 0; k < 6; ++k) sum += down.even[k] * o[k * kLanes + c] + down.odd[k] * e[k * kLanes + c];
      y[c] = sum;
    }
  }
}

void down_sample_transposed(const Phases& down, const Rows& in, Rows& even, Rows& odd, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* for_odd = in.row(i - 2);
    const float* for_even = in.row(i - 3);
    float* e = even.row(i);
    float* o = odd.row(i);
    for (size_t c = 0; c < kLanes; ++c) {
      float sum_e = 0, sum_o = 0;
      for (size_t k = 0; k < 6; ++k) {
        sum_o += down.even[5 - k] * for_odd[k * kLanes + c];
        sum_e += down.odd[5 - k] * for_even[k * kLanes + c];
      }
      e[c] = sum_e;
      o[c] = sum_o;
    }
  }
}

void activate(const Snake& snake, const Rows& in, Rows& out, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* x = in.row(i);
    float* y = out.row(i);
    for (size_t c = 0; c < kLanes; ++c) y[c] = x[c] + snake.amount[c] * (1.0f + minus_cos_turns(snake.turns[c] * x[c]));
  }
}

void activate_backward(const Snake& snake, const Rows& in, Rows& gradient, size_t first, size_t last,
                       float* turns_gradient, float* amount_gradient) {
  alignas(64) float turns[kLanes] = {}, amount[kLanes] = {};
  for (size_t i = first; i < last; ++i) {
    const float* x = in.row(i);
    float* g = gradient.row(i);
    for (size_t c = 0; c < kLanes; ++c) {
      const float sine = -kTwoPi * minus_cos_turns(snake.turns[c] * x[c] - 0.25f);
      amount[c] += g[c] * (1.0f + minus_cos_turns(snake.turns[c] * x[c]));
      turns[c] += g[c] * snake.amount[c] * sine * x[c];
      g[c] *= 1.0f + snake.amount[c] * snake.turns[c] * sine;
    }
  }
  for (size_t c = 0; c < kLanes; ++c) {
    turns_gradient[c] += turns[c];
    amount_gradient[c] += amount[c];
  }
}

void convolve(const float* weight, const float* bias, const Rows& in, Rows& out, size_t first, size_t last) {
  constexpr size_t kAtOnce = 6;  // rows; with two vectors of outputs each they fill twelve registers
  for (size_t half = 0; half < kLanes; half += 2 * kWidth) {
    for (size_t i = first; i < last; i += kAtOnce) {
      Vec sum[kAtOnce][2];
      for (size_t r = 0; r < kAtOnce; ++r) {
        sum[r][0] = load(bias + half);
        sum[r][1] = load(bias + half + kWidth);
      }
      const float* x = in.row(i - 5);
      const float* w = weight + half;
      for (size_t k = 0; k < 11; ++k) {
        for (size_t c = 0; c < kLanes; ++c, w += kLanes) {
          const Vec w_0 = load(w), w_1 = load(w + kWidth);
#pragma GCC unroll 6
          for (size_t r = 0; r < kAtOnce; ++r) {
            const float value = x[(k + r) * kLanes + c];
            sum[r][0] += value * w_0;
            sum[r][1] += value * w_1;
          }
        }
      }
      for (size_t r = 0; r < kAtOnce && i + r < last; ++r) {
        store(out.row(i + r) + half, sum[r][0]);
        store(out.row(i + r) + half + kWidth, sum[r][1]);
      }
    }
  }
}

void add_weight_gradient(const Rows& in, const Rows& gradient, size_t first, size_t last, float* weight) {
  constexpr size_t kAtOnce = 4;  // inputs
  for (size_t k = 0; k < 11; ++k) {
    for (size_t c = 0; c < kLanes; c += kAtOnce) {
      for (size_t half = 0; half < kLanes; half += 2 * kWidth) {
        Vec sum[kAtOnce][2] = {};
        const float* x = in.row(first + k - 5) + c;
        const float* g = gradient.row(first) + half;
        for (size_t i = first; i < last; ++i, x += kLanes, g += kLanes) {
          const Vec g_0 = load(g), g_1 = load(g + kWidth);
#pragma GCC unroll 4
          for (size_t r = 0; r < kAtOnce; ++r) {
            sum[r][0] += x[r] * g_0;
            sum[r][1] += x[r] * g_1;
          }
        }
        float* w = weight + (k * kLanes + c) * kLanes + half;
        for (size_t r = 0; r < kAtOnce; ++r) {
          store(w + r * kLanes, load(w + r * kLanes) + sum[r][0]);
          store(w + r * kLanes + kWidth, load(w + r * kLanes + kWidth) + sum[r][1]);
        }
      }
    }
  }
}

void convolve_to_one(const float* weight, size_t taps, const Rows& in, float* out, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const float* x = in.row(i - taps / 2);
    Vec sum[4] = {};
    for (size_t k = 0; k < taps; ++k)
      for (size_t v = 0; v < 4; ++v)
        sum[v] += load(weight + k * kLanes + v * kWidth) * load(x + k * kLanes + v * kWidth);
    const Vec all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    float total = 0;
    for (size_t l = 0; l < kWidth; ++l) total += all[l];
    out[i - first] += total;
  }
}

void convolve_to_one_transposed(const float* weight, size_t taps, const float* gradient, size_t origin, Rows& out,
                                size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    float* y = out.row(i);
    for (size_t k = 0; k < taps; ++k) {
      const float g = gradient[static_cast<ptrdiff_t>(i + taps / 2) - static_cast<ptrdiff_t>(k + origin)];
      for (size_t c = 0; c < kLanes; ++c) y[c] += g * weight[k * kLanes + c];
    }
  }
}

void add_to_one_gradient(size_t taps, const Rows& in, const float* gradient, size_t first, size_t last, float* weight) {
  for (size_t k = 0; k < taps; ++k) {
    Vec sum[4] = {};
    for (size_t i = first; i < last; ++i)
      for (size_t v = 0; v < 4; ++v) sum[v] += gradient[i - first] * load(in.row(i + k - taps / 2) + v * kWidth);
    for (size_t v = 0; v < 4; ++v) {
      float* w = weight + k * kLanes + v * kWidth;
      store(w, load(w) + sum[v]);
    }
  }
}

}  // namespace

extern const RowKernels NOVASR_ROW_KERNELS;  // const alone would mean internal linkage
const RowKernels NOVASR_ROW_KERNELS = {
    .up_sample = up_sample,
    .up_sample_transposed = up_sample_transposed,
    .down_sample = down_sample,
    .down_sample_transposed = down_sample_transposed,
    .activate = activate,
    .activate_backward = activate_backward,
    .convolve = convolve,
    .add_weight_gradient = add_weight_gradient,
    .convolve_to_one = convolve_to_one,
    .convolve_to_one_transposed = convolve_to_one_transposed,
    .add_to_one_gradient = add_to_one_gradient,
};

}  // namespace novasr::training
