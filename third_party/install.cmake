# What `cmake --install` puts in place: the program, the library, its header, and how CMake and pkg-config find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS minfer EXPORT minfer LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS minfer_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES engine/include/minfer.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# The exported target is all there is to configure: the shared library brings what it needs.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/minfer)
install(EXPORT minfer NAMESPACE minfer:: DESTINATION ${package} FILE minferConfig.cmake)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/minferConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/minferConfigVersion.cmake DESTINATION ${package})

# Relative to the file itself, so that the installed folder can be moved.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(third_party/minfer.pc.in minfer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/minfer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
