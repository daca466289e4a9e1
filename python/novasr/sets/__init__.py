"""Sets of recordings, in the formats in which they are kept: in, enhanced, and out again, whatever interrupts it."""
