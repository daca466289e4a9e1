target_sources(novasr_core PRIVATE ${CMAKE_CURRENT_LIST_DIR}/family.cpp)
