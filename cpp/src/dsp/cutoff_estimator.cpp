#include "dsp/cutoff_estimator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace novasr {
namespace {

constexpr std::size_t kBins = CutoffEstimator::kBins;
using Spectrum = std::array<float, kBins>;

constexpr std::size_t kFirstSound = 3;   // bins below 280 Hz hold DC and hum
constexpr std::size_t kFirstEdge = 16;   // 1.5 kHz
constexpr std::size_t kLastEdge = 196;   // 18.4 kHz: nobody misses what lies above
constexpr std::size_t kLastBin = 250;
constexpr float kSilence = 2e-4f;        // sum over the bins: noise at -85 dBFS
constexpr float kActiveRange = 1e-3f;    // -30 dB below the loudest frame
constexpr float kForget = 0.99634f;      // of the loudest frame, 6 dB/s
constexpr float kFloorDb = -120.0f;

/// A fall between the lowest of `below` bins and all that lies above a transition of `gap_bins` + `gap_ratio` * edge.
struct Scale {
  float gap_bins;
  float gap_ratio;
  std::size_t below;
  std::size_t smoothing;  // bins on either side
  float least_db;
};
constexpr Scale kScales[] = {{3.0f, 0.05f, 8, 2, 17.0f}, {2.0f, 0.15f, 10, 3, 22.0f}, {0.0f, 0.25f, 8, 3, 25.0f}};

#ifndef EXTRA
#define EXTRA
#endif
constexpr std::size_t kMore = 1;
constexpr float kKnee = 0.75f;
constexpr float kEdgeDb = 20.0f;
constexpr float kSame = 0.15f;
constexpr float kDeadZone = 0.03f;
constexpr float kSettledZone = 0.08f;
constexpr std::uint32_t kSettled = 24;
constexpr std::uint32_t kNarrowerWindows = 3;
constexpr std::uint32_t kWiderWindows = 9;
constexpr float kNarrowerEvidenceDb = 42.0f;
constexpr float kDoubtDb = 6.0f;
constexpr float kDecayDb = 2.0f;
constexpr float kMostEvidenceDb = 14.0f;
constexpr float kLongest = 32;
constexpr float kAliveDb = 12.0f;
constexpr float kBandDb = 50.0f;
constexpr float kRangeDb = 75.0f;

/// 10 lg x for a positive, normal x.
float decibels(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 127);
  const float m = std::bit_cast<float>((bits & 0x7FFFFFu) | 0x3F800000u) - 1.0f;
  const float log2 = m * (1.4425449f + m * (-0.7181452f + m * (0.4575485f + m * (-0.2794202f + m * (0.1222826f - 0.0248106f*m)))));
  return 3.0103f * (exponent + log2);
}

Spectrum smooth(const Spectrum& level, std::size_t reach) NOVASR_RT {
  Spectrum out{};
  for (std::size_t k = 0; k < kBins; ++k) {
    const std::size_t first = k - std::min(k, reach), last = std::min(k + reach, kBins - 1);
    float sum = 0.0f;
    for (std::size_t i = first; i <= last; ++i) sum += level[i];
    out[k] = sum / static_cast<float>(last - first + 1);
  }
  return out;
}

constexpr std::size_t kNear = 3, kFar = 12;
constexpr float kMargin = 4.0f;
constexpr auto kLeak = [] { std::array<float, kFar + 1> t{}; constexpr float v[] = {31.13f, 36.12f, 40.0f, 43.17f, 45.84f, 48.16f, 50.21f, 52.04f, 53.69f, 55.21f}; for (std::size_t i = 0; i < 10; ++i) t[i + kNear] = v[i]; return t; }();

Spectrum without_leakage(const Spectrum& fine, const Spectrum& level_db) NOVASR_RT {
  Spectrum out = fine;
  for (std::size_t k = 0; k < kBins; ++k) {
    float leak = -1e9f;
    for (std::size_t d = kNear; d <= kFar; ++d) {
      if (k >= d) leak = std::max(leak, level_db[k - d] - kLeak[d]);
      if (k + d < kBins) leak = std::max(leak, level_db[k + d] - kLeak[d]);
    }
    if (fine[k] < leak + kMargin) out[k] = kFloorDb;
  }
  return out;
}

void suffix_max(Spectrum& level) NOVASR_RT {
  for (std::size_t k = kLastBin; k-- > 0;) level[k] = std::max(level[k], level[k + 1]);
}

}  // namespace

CutoffEstimator::CutoffEstimator(float prior_hz) noexcept : prior_hz_(prior_hz), cutoff_hz_(prior_hz) { reset(); }

void CutoffEstimator::reset() NOVASR_RT {
  state_ = State{};
  publish(prior_hz_, 0.0f);
}

void CutoffEstimator::publish(float hz, float confidence) NOVASR_RT {
  cutoff_hz_.store(hz, std::memory_order_relaxed);
  confidence_.store(confidence, std::memory_order_relaxed);
}

bool CutoffEstimator::active(std::span<const float, kBins> power) NOVASR_RT {
  float sum = 0.0f;
  for (std::size_t k = kFirstSound; k < kLastBin; ++k) sum += power[k];
  if (!(sum < 1e30f)) return false;
  state_.loudest = std::max(sum, state_.loudest * kForget);
  return sum > kSilence && sum > kActiveRange * state_.loudest;
}

void CutoffEstimator::push(std::span<const float, kBins> power) NOVASR_RT {
  if (!active(power)) return;
  Spectrum& peak = state_.peaks[state_.block];
  for (std::size_t k = 0; k < kBins; ++k) peak[k] = std::max(peak[k], power[k]);
  if (++state_.frames < kBlockFrames) return;
  state_.frames = 0;
  state_.blocks = std::min(state_.blocks + 1, kBlocks);
  if (state_.blocks == kBlocks) analyse();
  state_.block = (state_.block + 1) % kBlocks;
  state_.peaks[state_.block].fill(0.0f);
}

CutoffEstimator::Spectrum CutoffEstimator::window_db() const NOVASR_RT {
  Spectrum level{};
  for (std::size_t k = 0; k < kBins; ++k) {
    float largest = 1e-12f;
    for (const Spectrum& peak : state_.peaks) largest = std::max(largest, peak[k]);
    level[k] = decibels(largest);
  }
  return level;
}

CutoffEstimator::Cliff CutoffEstimator::find_cliff(const Spectrum& level_db) NOVASR_RT {
  const Spectrum fine = smooth(level_db, 1);
  const Spectrum solid = without_leakage(fine, level_db);
  Cliff best{.excess_db = -1e9f};
  float from_db = 0.0f;
  std::size_t at = 0;
  for (const Scale& scale : kScales) {
    Spectrum above = smooth(level_db, scale.smoothing);
    suffix_max(above);
    Spectrum fall{}; Spectrum below{};
    std::size_t top = 0;
    for (std::size_t k = kFirstEdge; k < kLastEdge; ++k) {
      const std::size_t gap = static_cast<std::size_t>(scale.gap_bins + scale.gap_ratio * static_cast<float>(k) + 0.5f);
      if (k + gap > kLastEdge) break;
      const std::size_t width = std::min(std::max(scale.below, gap + kMore), k);
      below[k] = *std::min_element(solid.begin() + static_cast<std::ptrdiff_t>(k + 1 - width), solid.begin() + static_cast<std::ptrdiff_t>(k + 1));
      fall[k] = below[k] - above[k + gap];
      if (fall[k] > fall[top]) top = k;
    }
    if (top == 0 || fall[top] - scale.least_db <= best.excess_db) continue;
    best.excess_db = fall[top] - scale.least_db;
    best.fall_db = fall[top];
    at = top;
    while (at > kFirstEdge && fall[at - 1] > kKnee * fall[top]) --at;
    from_db = below[at];
    at = top;
    while (at > kFirstEdge && fine[at] < from_db - kEdgeDb) --at;
  }
  const float to_db = from_db - std::min(kEdgeDb, 0.5f * best.fall_db);
  while (at < kLastEdge && fine[at + 1] > to_db) ++at;
  const float span = std::max(fine[at] - fine[at + 1], 1e-3f);
  best.hz = kBinHz * (static_cast<float>(at) + std::clamp((fine[at] - to_db) / span, 0.0f, 1.0f));
  return best;
}

void CutoffEstimator::analyse() NOVASR_RT {
  const Spectrum level = window_db();
  const Cliff cliff = find_cliff(level);
  const float now = cutoff_hz();
  const bool likely = cliff.excess_db >= -kDoubtDb;
  const bool same = likely && state_.current.windows > 0 && std::abs(cliff.hz - now) < kSame * now;
  if (same)
    confirm(cliff);
  else if (likely)
    challenge(cliff);
  else
    weaken();
  look_above(level, cliff.excess_db >= 0.0f, same);
}

void CutoffEstimator::weaken() NOVASR_RT {
  Track& track = state_.challenger;
  track.evidence_db -= kDecayDb;
  if (track.evidence_db <= 0.0f) track = Track{};
}

void CutoffEstimator::confirm(const Cliff& cliff) NOVASR_RT {
  Track& track = state_.current;
  state_.challenger = Track{};
  track.windows = std::min<std::uint32_t>(track.windows + 1, 64);
  const float share = 1.0f / static_cast<float>(track.windows);
  track.hz += share * (cliff.hz - track.hz);
  track.fall_db += share * (cliff.fall_db - track.fall_db);
  const float now = cutoff_hz();
  publish(std::abs(track.hz - now) > (track.windows < kSettled ? kDeadZone : kSettledZone) * now ? track.hz : now, std::clamp(track.fall_db / 40.0f, 0.0f, 1.0f));
}

void CutoffEstimator::challenge(const Cliff& cliff) NOVASR_RT {
  Track& track = state_.challenger;
  const float evidence = std::min(cliff.excess_db + kDoubtDb, kMostEvidenceDb);
  if (track.windows > 0 && std::abs(cliff.hz - track.hz) > kSame * track.hz) {
    track.evidence_db -= evidence;
    if (track.evidence_db > 0.0f) return;
    track = Track{};
  }
  ++track.windows;
  const float share = 1.0f / static_cast<float>(track.windows);
  track.hz += share * (cliff.hz - track.hz);
  track.fall_db += share * (cliff.fall_db - track.fall_db);
  track.evidence_db += evidence;
  const bool wider = track.hz > cutoff_hz();
  if (track.windows < (wider ? kWiderWindows : kNarrowerWindows) || track.evidence_db < kNarrowerEvidenceDb) return;
  state_.current = track;
  state_.challenger = Track{};
  state_.knows_dead = false;
  publish(state_.current.hz, std::clamp(state_.current.fall_db / 40.0f, 0.0f, 1.0f));
}

void CutoffEstimator::look_above(const Spectrum& level_db, bool cliff, bool confirmed) NOVASR_RT {
  const float now = cutoff_hz();
  if (now >= kFullBandHz) return;
  const float edge = now / kBinHz;
  const auto first = static_cast<std::size_t>(1.1f * edge + 3.0f);
  const auto last = std::min(static_cast<std::size_t>(1.5f * edge + 6.0f), kLastEdge);
  float sum = 0.0f, peak = kFloorDb;
  for (std::size_t k = first; k <= last; ++k) sum += level_db[k];
  for (std::size_t k = kFirstSound; k <= kLastBin; ++k) peak = std::max(peak, level_db[k]);
  const float above = sum / static_cast<float>(last - first + 1);
  if (confirmed) {
    state_.dead_db = state_.knows_dead ? state_.dead_db + 0.1f * (above - state_.dead_db) : above;
    state_.knows_dead = true;
    state_.evidence_above = 0.0f;
    return;
  }
  if (cliff) return;
  const bool alive = state_.knows_dead ? above > std::max(state_.dead_db + kAliveDb, peak - kRangeDb) : above > peak - kBandDb;
  state_.evidence_above = alive ? state_.evidence_above + 1.0f : std::max(0.0f, state_.evidence_above - 0.5f);
  if (state_.evidence_above < kWiderWindows) return;
  state_.current = Track{};
  state_.challenger = Track{};
  state_.evidence_above = 0.0f;
  state_.knows_dead = false;
  publish(kFullBandHz, 0.5f);
}

}  // namespace novasr
