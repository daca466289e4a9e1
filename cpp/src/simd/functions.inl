// Elementary functions of vectors. Included inside an unnamed namespace, after vectors.inl.

/// Rational approximation of tanh (13/6, as in Eigen's generic_fast_tanh_float): error below 3e-7.
NOVASR_INLINE Vec hyperbolic_tangent(Vec x) {
  const Vec limit = splat(7.90531110763549805f);  // tanh rounds to 1 from here on
  x = select(x < limit, x, limit);                // NaN becomes the limit: the output is always finite
  x = select(x > -limit, x, -limit);
  const Vec x2 = x * x;
  Vec p = splat(-2.76076847742355e-16f);
  p = multiply_add(p, x2, splat(2.00018790482477e-13f));
  p = multiply_add(p, x2, splat(-8.60467152213735e-11f));
  p = multiply_add(p, x2, splat(5.12229709037114e-08f));
  p = multiply_add(p, x2, splat(1.48572235717979e-05f));
  p = multiply_add(p, x2, splat(6.37261928875436e-04f));
  p = multiply_add(p, x2, splat(4.89352455891786e-03f));
  Vec q = splat(1.19825839466702e-06f);
  q = multiply_add(q, x2, splat(1.18534705686654e-04f));
  q = multiply_add(q, x2, splat(2.26843463243900e-03f));
  q = multiply_add(q, x2, splat(4.89352518554385e-03f));
  return x * p / q;
}

/// e^x with Cephes' polynomial (expf): relative error below 2e-7. Clamped to the range of normal numbers; NaN becomes
/// the upper limit.
NOVASR_INLINE Vec exponential(Vec x) {
  const Vec highest = splat(88.0f), lowest = splat(-87.0f);
  x = select(x < highest, x, highest);
  x = select(x > lowest, x, lowest);
  const Vec n = round_nearest(x * 1.44269504088896341f);
  const Vec r = multiply_add(n, splat(2.12194440e-4f), multiply_add(n, splat(-0.693359375f), x));  // ln 2 in two parts
  Vec p = splat(1.9875691500e-4f);
  p = multiply_add(p, r, splat(1.3981999507e-3f));
  p = multiply_add(p, r, splat(8.3334519073e-3f));
  p = multiply_add(p, r, splat(4.1665795894e-2f));
  p = multiply_add(p, r, splat(1.6666665459e-1f));
  p = multiply_add(p, r, splat(5.0000001201e-1f));
  p = multiply_add(p, r * r, r) + splat(1.0f);
  return p * (Vec)((__builtin_convertvector(n, IntVec) + 127) << 23);
}

/// Natural logarithm of positive normal numbers with Cephes' polynomial (logf): error below 2e-7 of max(1, |result|).
NOVASR_INLINE Vec logarithm(Vec x) {
  const IntVec bits = (IntVec)x;
  const Vec mantissa = (Vec)((bits & 0x7fffff) | 0x3f800000);  // [1, 2)
  const IntVec above = mantissa > splat(1.41421356237f);       // -1 where true
  const Vec e = __builtin_convertvector((bits >> 23) - 127 - above, Vec);
  const Vec f = select(above, mantissa * 0.5f, mantissa) - splat(1.0f);
  const Vec f2 = f * f;
  Vec p = splat(7.0376836292e-2f);
  p = multiply_add(p, f, splat(-1.1514610310e-1f));
  p = multiply_add(p, f, splat(1.1676998740e-1f));
  p = multiply_add(p, f, splat(-1.2420140846e-1f));
  p = multiply_add(p, f, splat(1.4249322787e-1f));
  p = multiply_add(p, f, splat(-1.6668057665e-1f));
  p = multiply_add(p, f, splat(2.0000714765e-1f));
  p = multiply_add(p, f, splat(-2.4999993993e-1f));
  p = multiply_add(p, f, splat(3.3333331174e-1f));
  Vec y = multiply_add(e, splat(-2.12194440e-4f), f * f2 * p);
  y = multiply_add(f2, splat(-0.5f), y);
  return multiply_add(e, splat(0.693359375f), f + y);
}

/// 1 / (1 + e^-x).
NOVASR_INLINE Vec logistic(Vec x) {
  return splat(1.0f) / (splat(1.0f) + exponential(-x));
}
