// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "editor/LevelMeters.h"

TEST_CASE("PeakFollower: shows a peak immediately in dBFS, holds it, then releases it") {
  PeakFollower follower;
  CHECK(follower.level() == PeakFollower::silence);
  CHECK(follower.update(0.5f, 0.03));
  CHECK(follower.level() == Approx(-6.02f).margin(0.01));
  CHECK(follower.held() == follower.level());

  follower.update(0.0f, 1.0);
  CHECK(follower.level() < -20.0f);
  CHECK(follower.held() == Approx(-6.02f).margin(0.01));
  for (int i = 0; i < 30; ++i) follower.update(0.0f, 0.1);
  CHECK(follower.held() < -40.0f);
  CHECK(follower.highest() == Approx(-6.02f).margin(0.01));
  follower.forgetHighest();
  CHECK(follower.highest() == PeakFollower::silence);
}

TEST_CASE("PeakFollower: an overload is not clipped at full scale") {
  PeakFollower follower;
  follower.update(2.0f, 0.03);
  CHECK(follower.level() == Approx(6.02f).margin(0.01));
}

TEST_CASE("PeakFollower: silence leaves nothing to draw") {
  PeakFollower follower;
  CHECK_FALSE(follower.update(0.0f, 0.03));
}
