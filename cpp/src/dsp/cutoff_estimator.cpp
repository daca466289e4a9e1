#include "dsp/cutoff_estimator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "novasr/band_verdict.hpp"

namespace novasr {
namespace {

constexpr std::size_t kBins = CutoffEstimator::kBins;
using Spectrum = std::array<float, kBins>;

constexpr std::size_t kFirstBin = 3;    // 280 Hz: below lie DC and hum
constexpr std::size_t kLastBin = 250;   // 23.4 kHz: above lie the images of converters
constexpr std::size_t kFirstEdge = 16;  // 1.5 kHz: the gap between two formants is no edge
constexpr std::size_t kLastEdge = 196;  // 18.4 kHz: nobody misses what lies above
static_assert(static_cast<float>(kLastEdge + 1) * CutoffEstimator::kBinHz < kLeastFullBandHz);

// Activity, from the power of a frame: the sum over its bins.
constexpr float kSilence = 2e-4f;        // white noise at -85 dBFS: above 16-bit dither
constexpr float kActiveRange = 2.5e-4f;  // -36 dB: pauses and the tails of rooms
constexpr float kRelease = 0.99266f;     // of the loudest frame: -6 dB a second
constexpr float kAttack = 2.0f;          // a click raises it by 3 dB, and does not deafen
constexpr float kOverflow = 1e30f;

/// A cliff is judged at several widths, because filters differ in slope: from the lowest of the `band` bins up to the
/// edge to everything above a transition, whose width is `gap_bins` + `gap_percent` of the edge. The band is wider than
/// the transition, so that the two flanks of a tone cancel.
struct Scale {
  std::size_t gap_bins;
  std::size_t gap_percent;
  std::size_t band;
  bool fine;         // the sound above is smoothed over 5 instead of 7 bins
  float natural_db;  // full-band speech and music seldom fall further; tuned on both

  [[nodiscard]] constexpr std::size_t gap(std::size_t edge) const { return gap_bins + (gap_percent * edge + 50) / 100; }
};
constexpr Scale kScales[] = {
    {3, 5, 8, true, 17.0f},     // resamplers, codecs, elliptic filters
    {2, 15, 10, false, 21.0f},  // Chebyshev filters, Butterworth filters of high order
    {0, 35, 8, false, 28.0f},   // Butterworth filters of order 6 and 8: 36 and 48 dB an octave
};
constexpr float kKnee = 0.75f;    // of the fall: still the same cliff, so that a long slope counts from its top
constexpr float kEdgeDb = 16.0f;  // below the knee, which lies about 4 dB below the passband

// Evidence, in dB above the natural fall, summed over windows that agree.
constexpr float kSame = 0.15f;              // largest ratio - 1 of two estimates of one edge
constexpr float kDoubtDb = 5.0f;            // a window this far below the natural fall says nothing
constexpr float kMostEvidenceDb = 14.0f;    // of a window: no single one decides
constexpr float kEnoughEvidenceDb = 56.0f;  // four distinct windows
constexpr float kDecayDb = 2.0f;            // for each window without a cliff
// Longer than a click stays in a window, which may straddle two blocks.
constexpr std::uint32_t kWiderWindows = 9;

// A published edge moves only if the mean of its windows leaves a dead zone.
constexpr float kDeadZone = 0.05f;
constexpr float kSettledDeadZone = 0.08f;
constexpr std::uint32_t kSettledWindows = 24;
constexpr std::uint32_t kMeanWindows = 64;

// Sound above the edge.
constexpr float kAliveDb = 12.0f;   // above the level that was there
constexpr float kRangeDb = 75.0f;   // below the loudest bin: there is the leakage of the window
constexpr float kNoBandDb = 50.0f;  // the same while that level is unknown (Bakhturina et al., Interspeech 2021)
constexpr float kDeadShare = 0.1f;  // of a new window in the level above the edge

constexpr float kCertainFallDb = 40.0f;
constexpr std::size_t kTopOctave[] = {160, 192};  // 15 to 18 kHz
constexpr float kTopRangeDb[] = {60.0f, 20.0f};   // below the loudest bin: no evidence, certain
constexpr float kTopShare = 1.0f / 16.0f;

constexpr float kLeastPower = 1e-12f;
constexpr float kDeadLevelDb = -200.0f;

/// 10 lg x of a normal, positive x: the exponent, and for the mantissa 1 + m the polynomial m + m (1 - m) q(m) with a
/// quadratic q by minimax. Error below 4e-4 dB.
float decibels(float x) NOVASR_RT {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 127);
  const float m = std::bit_cast<float>((bits & 0x7F'FFFFu) | 0x3F80'0000u) - 1.0f;
  const float q = 0.43872414f + m * (-0.23905091f + m * 0.0821237f);
  return 3.0103f * (exponent + m + m * (1.0f - m) * q);
}

/// Mean of the decibels over `reach` bins on either side; unchanged at the ends, where there is no edge.
template <std::size_t reach>
Spectrum smooth(const Spectrum& level_db) NOVASR_RT {
  Spectrum out = level_db;
  for (std::size_t k = reach; k + reach < kBins; ++k) {
    float sum = 0.0f;
    for (std::size_t i = 0; i <= 2 * reach; ++i) sum += level_db[k - reach + i];
    out[k] = sum / static_cast<float>(2 * reach + 1);
  }
  return out;
}

/// Largest level from each bin upwards.
Spectrum largest_above(Spectrum level_db) NOVASR_RT {
  for (std::size_t k = kLastBin; k-- > 0;) level_db[k] = std::max(level_db[k], level_db[k + 1]);
  return level_db;
}

/// Level of a tone d bins away: 20 lg(4 d^2 - 1) below it, from the transform of the cosine window (the square root of
/// Hann's), cos(pi d) / (1 - 4 d^2) (F. J. Harris, Proc. IEEE 66, 1978).
constexpr std::size_t kNearLeakage = 3;
constexpr std::size_t kFarLeakage = 12;
constexpr float kLeakageDb[] = {30.9f, 36.0f, 39.9f, 43.1f, 45.8f, 48.1f, 50.2f, 52.0f, 53.7f, 55.2f};
static_assert(std::size(kLeakageDb) == kFarLeakage - kNearLeakage + 1);
static_assert(kLastEdge + kFarLeakage < kBins);
constexpr float kLeakageMarginDb = 4.0f;  // the lobes of two tones add up

/// Removes the bins that hold only the leakage of a tone: harmonics far apart are no band.
Spectrum without_leakage(const Spectrum& smooth_db, const Spectrum& level_db) NOVASR_RT {
  Spectrum leakage_db;
  leakage_db.fill(kDeadLevelDb);
  for (std::size_t d = kNearLeakage; d <= kFarLeakage; ++d) {
    for (std::size_t k = kFarLeakage; k < kLastEdge; ++k)
      leakage_db[k] =
          std::max(leakage_db[k], std::max(level_db[k - d], level_db[k + d]) - kLeakageDb[d - kNearLeakage]);
  }
  Spectrum out = smooth_db;
  for (std::size_t k = kFarLeakage; k < kLastEdge; ++k)
    if (smooth_db[k] < leakage_db[k] + kLeakageMarginDb) out[k] = kDeadLevelDb;
  return out;
}

/// The falls of a spectrum on one scale.
class Falls {
 public:
  Falls(const Scale& scale, const Spectrum& band_db, const Spectrum& smooth_db) NOVASR_RT
      : scale_(scale),
        band_db_(band_db),
        above_db_(largest_above(smooth_db)) {}

  /// Lowest level of the band below an edge.
  [[nodiscard]] float from_db(std::size_t edge) const NOVASR_RT {
    const std::size_t bins = std::min(std::max(scale_.band, scale_.gap(edge) + 1), edge);
    const auto end = band_db_.begin() + static_cast<std::ptrdiff_t>(edge + 1);
    return *std::min_element(end - static_cast<std::ptrdiff_t>(bins), end);
  }

  [[nodiscard]] float fall_db(std::size_t edge) const NOVASR_RT { return from_db(edge) - to_db(edge); }

  [[nodiscard]] std::size_t steepest() const NOVASR_RT {
    std::size_t best = kFirstEdge;
    float best_db = fall_db(best);
    for (std::size_t k = kFirstEdge + 1; k + scale_.gap(k) <= kLastEdge; ++k) {
      if (band_db_[k] - to_db(k) <= best_db) continue;  // the band holds this bin: saves most searches
      const float db = fall_db(k);
      if (db > best_db) best = k;
      best_db = std::max(best_db, db);
    }
    return best;
  }

  /// The lowest edge that belongs to the same cliff.
  [[nodiscard]] std::size_t knee(std::size_t edge) const NOVASR_RT {
    const float least_db = kKnee * fall_db(edge);
    while (edge > kFirstEdge && fall_db(edge - 1) > least_db) --edge;
    return edge;
  }

 private:
  [[nodiscard]] float to_db(std::size_t edge) const NOVASR_RT { return above_db_[edge + scale_.gap(edge)]; }

  const Scale& scale_;
  const Spectrum& band_db_;
  Spectrum above_db_;
};

/// Where the level crosses `to_db` near `bin`, in bins.
float crossing(const Spectrum& level_db, std::size_t bin, float to_db) NOVASR_RT {
  while (bin > kFirstEdge && level_db[bin] < to_db) --bin;
  while (bin < kLastEdge && level_db[bin + 1] > to_db) ++bin;
  const float step_db = std::max(level_db[bin] - level_db[bin + 1], 1e-3f);
  return static_cast<float>(bin) + std::clamp((level_db[bin] - to_db) / step_db, 0.0f, 1.0f);
}

float mean_db(const Spectrum& level_db, std::size_t first, std::size_t end) NOVASR_RT {
  float sum = 0.0f;
  for (std::size_t k = first; k < end; ++k) sum += level_db[k];
  return sum / static_cast<float>(end - first);
}

/// Half an octave, from a little above an edge on.
struct BinRange {
  std::size_t first;
  std::size_t end;
};
BinRange range_above(float edge_hz) NOVASR_RT {
  const float edge = std::min(edge_hz / CutoffEstimator::kBinHz, static_cast<float>(kLastEdge));
  return {static_cast<std::size_t>(1.1f * edge) + 3, std::min(static_cast<std::size_t>(1.5f * edge) + 7, kLastBin)};
}

/// Whether most bins of the range, which lies above the loudest bin, exceed a level and what leaks from that bin.
bool carries_sound(const Spectrum& level_db, BinRange range, std::size_t loudest, float least_db) NOVASR_RT {
  std::size_t alive = 0;
  for (std::size_t k = range.first; k < range.end; ++k) {
    const float d = static_cast<float>(k) - static_cast<float>(loudest);
    const float leakage_db = level_db[loudest] - 2.0f * decibels(std::max(4.0f * d * d - 1.0f, 1.0f));
    if (level_db[k] > std::max(least_db, leakage_db + kLeakageMarginDb)) ++alive;
  }
  return 2 * alive > range.end - range.first;
}

bool same_edge(float hz, float other_hz) NOVASR_RT {
  return std::abs(hz - other_hz) < kSame * other_hz;
}

}  // namespace

CutoffEstimator::CutoffEstimator(float prior_hz) noexcept : prior_hz_(prior_hz), cutoff_hz_(prior_hz) {}

void CutoffEstimator::reset() NOVASR_RT {
  state_ = State{};
  publish(prior_hz_, 0.0f);
}

void CutoffEstimator::push(std::span<const float, kBins> power) NOVASR_RT {
  if (!is_active(power)) return;
  Spectrum& peak = state_.peaks[state_.block];
  for (std::size_t k = 0; k < kBins; ++k) peak[k] = std::max(peak[k], power[k]);
  if (++state_.frames < kBlockFrames) return;
  state_.complete_blocks = std::min(state_.complete_blocks + 1, kBlocks);
  if (state_.complete_blocks == kBlocks) analyse();
  state_.block = (state_.block + 1) % kBlocks;
  state_.peaks[state_.block].fill(0.0f);
  state_.frames = 0;
}

bool CutoffEstimator::is_active(std::span<const float, kBins> power) NOVASR_RT {
  float sum = 0.0f;
  for (std::size_t k = kFirstBin; k < kBins; ++k) sum += power[k];
  if (!(sum + power[0] + power[1] + power[2] < kOverflow)) return false;  // also for NaN
  const float risen = std::min(sum, kAttack * std::max(state_.loudest, kSilence));
  state_.loudest = std::max(risen, kRelease * state_.loudest);
  return sum > kSilence && sum > kActiveRange * state_.loudest;
}

/// Largest level of each bin. Unlike a mean it shows the band below the edge even if only a fricative fills it.
CutoffEstimator::Spectrum CutoffEstimator::window_db() const NOVASR_RT {
  Spectrum level_db{};
  for (std::size_t k = 0; k < kBins; ++k) {
    float largest = kLeastPower;
    for (const Spectrum& peak : state_.peaks) largest = std::max(largest, peak[k]);
    level_db[k] = decibels(largest);
  }
  return level_db;
}

CutoffEstimator::Cliff CutoffEstimator::find_cliff(const Spectrum& level_db) NOVASR_RT {
  const Spectrum fine_db = smooth<1>(level_db);
  const Spectrum band_db = without_leakage(fine_db, level_db);
  const Spectrum medium_db = smooth<2>(level_db);
  const Spectrum coarse_db = smooth<3>(level_db);
  Cliff best{.excess_db = std::numeric_limits<float>::lowest()};
  for (const Scale& scale : kScales) {
    const Falls falls(scale, band_db, scale.fine ? medium_db : coarse_db);
    const std::size_t steepest = falls.steepest();
    const float fall_db = falls.fall_db(steepest);
    if (fall_db - scale.natural_db <= best.excess_db) continue;
    // Where noise or leakage hides the slope, halfway down.
    const float to_db = falls.from_db(falls.knee(steepest)) - std::min(kEdgeDb, 0.5f * fall_db);
    best = {
        .hz = kBinHz * crossing(fine_db, steepest, to_db), .fall_db = fall_db, .excess_db = fall_db - scale.natural_db};
  }
  return best;
}

void CutoffEstimator::analyse() NOVASR_RT {
  const Spectrum level_db = window_db();
  const auto loudest = static_cast<std::size_t>(
      std::max_element(level_db.begin() + kFirstBin, level_db.begin() + kLastBin) - level_db.begin());
  const Cliff cliff = find_cliff(level_db);
  if (cliff.excess_db < -kDoubtDb) {
    weaken_challenger();
  } else if (state_.current.windows > 0 && same_edge(cliff.hz, cutoff_hz())) {
    learn_dead_level(level_db);
    confirm(cliff);
  } else {
    challenge(cliff);
  }
  if (cliff.excess_db >= 0.0f) return;
  if (cutoff_hz() < kFullBandHz)
    look_above(level_db, loudest);
  else
    rate_full_band(level_db, level_db[loudest]);
}

void CutoffEstimator::Track::add(const Cliff& cliff) NOVASR_RT {
  windows = std::min(windows + 1, kMeanWindows);
  const float share = 1.0f / static_cast<float>(windows);
  hz += share * (cliff.hz - hz);
  fall_db += share * (cliff.fall_db - fall_db);
}

float CutoffEstimator::Track::confidence() const NOVASR_RT {
  return std::clamp(fall_db / kCertainFallDb, 0.0f, 1.0f);
}

void CutoffEstimator::confirm(const Cliff& cliff) NOVASR_RT {
  Track& track = state_.current;
  track.add(cliff);
  state_.challenger = Track{};
  const float zone = track.windows < kSettledWindows ? kDeadZone : kSettledDeadZone;
  const bool moved = std::abs(track.hz - cutoff_hz()) > zone * cutoff_hz();
  publish(moved ? track.hz : cutoff_hz(), track.confidence());
}

void CutoffEstimator::challenge(const Cliff& cliff) NOVASR_RT {
  Track& track = state_.challenger;
  const float evidence_db = std::min(cliff.excess_db + kDoubtDb, kMostEvidenceDb);
  if (track.windows > 0 && !same_edge(cliff.hz, track.hz)) {
    track.evidence_db -= evidence_db;
    if (track.evidence_db > 0.0f) return;
    track = Track{};
  }
  track.add(cliff);
  track.evidence_db += evidence_db;
  const bool wider = track.hz > cutoff_hz();
  if (track.evidence_db < kEnoughEvidenceDb || (wider && track.windows < kWiderWindows)) return;
  publish(track.hz, track.confidence());
  state_.current = track;
  state_.challenger = Track{};
  state_.half_windows_above = 0;
  state_.knows_dead = false;
}

void CutoffEstimator::weaken_challenger() NOVASR_RT {
  Track& track = state_.challenger;
  track.evidence_db -= kDecayDb;
  if (track.evidence_db <= 0.0f) track = Track{};
}

void CutoffEstimator::learn_dead_level(const Spectrum& level_db) NOVASR_RT {
  const BinRange above = range_above(cutoff_hz());
  const float dead_db = mean_db(level_db, above.first, above.end);
  state_.dead_db = state_.knows_dead ? state_.dead_db + kDeadShare * (dead_db - state_.dead_db) : dead_db;
  state_.knows_dead = true;
  state_.half_windows_above = 0;
}

/// Sound above the edge and no cliff: the band has become full. A level that was there before is noise.
void CutoffEstimator::look_above(const Spectrum& level_db, std::size_t loudest) NOVASR_RT {
  const float least_db = state_.knows_dead ? std::max(state_.dead_db + kAliveDb, level_db[loudest] - kRangeDb)
                                           : level_db[loudest] - kNoBandDb;
  std::uint32_t& halves = state_.half_windows_above;
  const bool sound = carries_sound(level_db, range_above(cutoff_hz()), loudest, least_db);
  halves = sound ? halves + 2 : halves - std::min(halves, 1u);
  if (halves < 2 * kWiderWindows) return;
  publish(kFullBandHz, 0.0f);
  state_.current = state_.challenger = Track{};
  halves = 0;
  state_.knows_dead = false;
  state_.full_band_confidence = 0.0f;
}

/// Nothing is missing if the top octave carries sound.
void CutoffEstimator::rate_full_band(const Spectrum& level_db, float loudest_db) NOVASR_RT {
  const float down_db = loudest_db - mean_db(level_db, kTopOctave[0], kTopOctave[1]);
  const float rated = std::clamp((kTopRangeDb[0] - down_db) / (kTopRangeDb[0] - kTopRangeDb[1]), 0.0f, 1.0f);
  state_.full_band_confidence += kTopShare * (rated - state_.full_band_confidence);
  publish(cutoff_hz(), state_.full_band_confidence);
}

void CutoffEstimator::publish(float hz, float confidence) NOVASR_RT {
  cutoff_hz_.store(hz, std::memory_order_relaxed);
  confidence_.store(confidence, std::memory_order_relaxed);
}

}  // namespace novasr
