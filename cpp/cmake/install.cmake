# What `cmake --install` leaves: the headers, the library, and the files that find_package(zdev) and pkg-config read.
# Both find everything relative to themselves, so an installed tree may be moved.

include(CMakePackageConfigHelpers)
set(zdev_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/zdev)

install(
    TARGETS zdev
    EXPORT zdevTargets
    RUNTIME COMPONENT runtime
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
    ARCHIVE COMPONENT development)
install(
    DIRECTORY include/zdev
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT development)

configure_package_config_file(cmake/zdevConfig.cmake.in zdevConfig.cmake INSTALL_DESTINATION ${zdev_cmake_dir})
# 0.x: every minor version may break the one before.
write_basic_package_version_file(zdevConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
    EXPORT zdevTargets
    NAMESPACE zdev::
    DESTINATION ${zdev_cmake_dir}
    COMPONENT development)
install(
    FILES ${CMAKE_CURRENT_BINARY_DIR}/zdevConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/zdevConfigVersion.cmake
          cmake/FindZMQ.cmake cmake/FindSodium.cmake
    DESTINATION ${zdev_cmake_dir}
    COMPONENT development)

set(zdev_pc_requires libzmq)
if(ZMQ_CPPZMQ_PC)
    string(APPEND zdev_pc_requires " cppzmq")
endif()
if(Sodium_FOUND AND NOT BUILD_SHARED_LIBS)
    set(zdev_pc_requires "${zdev_pc_requires} libsodium")
endif()
file(RELATIVE_PATH zdev_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/zdev.pc.in zdev.pc @ONLY)
install(
    FILES ${CMAKE_CURRENT_BINARY_DIR}/zdev.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)
