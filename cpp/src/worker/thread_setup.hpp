#pragma once

namespace novasr {

/// Names the calling thread for debuggers and requests a real-time priority below that of audio callbacks. The system
/// may refuse either; the thread then continues unchanged.
void set_up_worker_thread(const char* name) noexcept;

}  // namespace novasr
