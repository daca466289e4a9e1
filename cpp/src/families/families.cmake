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

# Writes the bytes of a weights file to <name>.inc among the generated sources, for a family to build in.
set(embed_bytes ${PROJECT_SOURCE_DIR}/cmake/embed_bytes.py)
function(novasr_embed_weights name file)
  set(weights ${PROJECT_SOURCE_DIR}/python/novasr/weights/${file})
  add_custom_command(
    OUTPUT ${novasr_generated}/${name}.inc
    COMMAND Python3::Interpreter ${embed_bytes} ${weights} ${novasr_generated}/${name}.inc
    DEPENDS ${embed_bytes} ${weights})
endfunction()

set(family_list "")
foreach(file IN LISTS family_files)
  cmake_path(GET file PARENT_PATH folder)
  cmake_path(GET folder FILENAME name)
  string(APPEND family_list "NOVASR_FAMILY(${name})\n")
  include(${file})
endforeach()
file(CONFIGURE OUTPUT ${novasr_generated}/families.inc CONTENT "${family_list}")
