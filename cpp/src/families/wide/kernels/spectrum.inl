// What is done with the lines of a spectrum. Included inside an unnamed namespace.

void power(ConstSpectrum in, float* power) NOVASR_RT {
  for (size_t k = 0; k < kLineRow; k += kWidth) {
    const Vec re = load(in.re + k), im = load(in.im + k);
    store(power + k, multiply_add(re, re, im * im));
  }
}

/// Each mean is summed anew: a running sum would lose what lies beside a loud line.
void whitening(const float* power, size_t first_line, float* factor) NOVASR_RT {
  constexpr size_t kSide = kWhiteningLines / 2;
  alignas(64) float around[kSide + kLineRow + kSide];
  for (size_t k = 0; k < kSide; ++k) around[k] = power[0];
  __builtin_memcpy(around + kSide, power, kLines * sizeof(float));
  for (size_t k = kSide + kLines; k < sizeof around / sizeof *around; ++k) around[k] = power[kLines - 1];
  for (size_t k = first_line; k < kLineRow; k += kWidth) {
    Vec sum = load_unaligned(around + k);
    for (size_t i = 1; i < kWhiteningLines; ++i) sum += load_unaligned(around + k + i);
    const Vec mean = multiply_add(sum, splat(1.0f / kWhiteningLines), splat(kWhiteningFloor));
    store(factor + k, splat(1.0f) / square_root(mean));
  }
}

/// The mean of each band, and 0 behind the last one.
void band_means(const LineMeans& means, const float* lines, float* mean) NOVASR_RT {
  for (size_t band = 0; band < kInputBands; ++band) {
    const float* const weight = means.weight + means.place[band];
    const float* const line = lines + means.first[band];
    Vec sum = {};
    for (size_t k = 0; k < means.count[band]; k += kWidth)
      sum = multiply_add(load_unaligned(line + k), load_unaligned(weight + k), sum);
    mean[band] = sum_of_lanes(sum);
  }
  for (size_t band = kInputBands; band < kInputBandRow; ++band) mean[band] = 0.0f;
}

void logarithms(const float* power, size_t count, float floor, float* out) NOVASR_RT {
  for (size_t i = 0; i < count; i += kWidth) store(out + i, logarithm(load(power + i) + splat(floor)));
}

void levels(const LineMeans& means, const float* power, float* levels, float* tonality) NOVASR_RT {
  alignas(64) float logs[kLineRow], mean_log[kInputBandRow], mean[kInputBandRow];
  band_means(means, power, mean);
  logarithms(mean, kInputBandRow, kPowerFloor, levels);
  logarithms(power, kLineRow, kLinePowerFloor, logs);
  band_means(means, logs, mean_log);
  logarithms(mean, kInputBandRow, kLinePowerFloor, tonality);
  for (size_t band = 0; band < kInputBandRow; band += kWidth)
    store(tonality + band, load(tonality + band) - load(mean_log + band));
}

void logistic_in_place(float* x, size_t count) NOVASR_RT {
  for (size_t i = 0; i < count; i += kWidth) store(x + i, logistic(load(x + i)));
}

NOVASR_INLINE Vec limited(Vec v, float lowest, float highest) {
  v = select(v < splat(highest), v, splat(highest));  // also NaN
  return select(v > splat(lowest), v, splat(lowest));
}

void upper_band(const UpperBand& band, Spectrum out) NOVASR_RT {
  const Vec start = splat(kCrossoverStart * band.cutoff_hz);
  const Vec slope = splat(1.0f / (kCrossoverLines * kLineHz));
  Vec line = {};
  for (size_t i = 0; i < kWidth; ++i) line[i] = static_cast<float>(i);
  for (size_t k = 0; k < band.first_line; k += kWidth) {
    store(out.re + k, Vec{});
    store(out.im + k, Vec{});
  }
  for (size_t k = band.first_line; k < kLineRow; k += kWidth) {
    const Vec hertz = (line + splat(static_cast<float>(k))) * kLineHz;
    const Vec share = limited((hertz - start) * slope + splat(0.5f), 0.0f, 1.0f);
    const Vec harmonics =
        load(band.whitening + k) * exponential(limited(load(band.gain[0] + k), kLowestGain, kHighestGain));
    const Vec hiss = exponential(limited(load(band.gain[1] + k), kLowestGain, kHighestGain));
    const Vec re = multiply_add(load(band.noise.re + k), hiss, load(band.rectified.re + k) * harmonics);
    const Vec im = multiply_add(load(band.noise.im + k), hiss, load(band.rectified.im + k) * harmonics);
    store(out.re + k, share * (re - load(band.input.re + k)));
    store(out.im + k, share * (im - load(band.input.im + k)));
  }
  out.im[0] = out.im[kLines - 1] = 0.0f;
}
