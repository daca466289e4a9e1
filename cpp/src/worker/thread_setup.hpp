#pragma once

namespace novasr {

/// Names the calling thread for debuggers and asks for a real-time priority below that of audio callbacks.
/// Either may be refused by the system: the thread then goes on as it is.
void set_up_worker_thread(const char* name) noexcept;

}  // namespace novasr
