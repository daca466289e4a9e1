# cmake --install: library, headers and the package for find_package(novasr).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/novasr)
install(TARGETS novasr_core novasr_interface EXPORT novasr ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY cpp/include/novasr DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(EXPORT novasr NAMESPACE novasr:: FILE novasr-targets.cmake DESTINATION ${package})
configure_package_config_file(cmake/novasr-config.cmake.in novasr-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(novasr-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/novasr-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/novasr-config-version.cmake
        DESTINATION ${package})
