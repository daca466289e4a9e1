# Every folder here with a family.cmake is a model family, and so is every folder in NOVASR_FAMILIES. The file adds the
# family's sources to novasr_core; one of them defines novasr::families::<name of the folder>.
file(GLOB family_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*/family.cmake)
list(APPEND family_files ${test_families})
foreach(folder IN LISTS NOVASR_FAMILIES)
  list(APPEND family_files ${folder}/family.cmake)
endforeach()
# The default family comes first.
list(REMOVE_ITEM family_files ${CMAKE_CURRENT_LIST_DIR}/novasr/family.cmake)
list(PREPEND family_files ${CMAKE_CURRENT_LIST_DIR}/novasr/family.cmake)

set(family_list "")
foreach(file IN LISTS family_files)
  cmake_path(GET file PARENT_PATH folder)
  cmake_path(GET folder FILENAME name)
  string(APPEND family_list "NOVASR_FAMILY(${name})\n")
  include(${file})
endforeach()
file(CONFIGURE OUTPUT ${novasr_generated}/families.inc CONTENT "${family_list}")
