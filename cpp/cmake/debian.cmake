# Debian packages of the shared library, made by `cpack` in the build folder of the preset `debian`: one named after the soname,
# as Debian's policy has it, so that services built against different versions can stand on one machine; and libzdev-dev.

set(zdev_soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "zdev developers")
set(CPACK_PACKAGE_CONTACT "zdev developers <zdev-project@users.noreply.github.com>")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MULTIARCH same)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE ${PROJECT_HOMEPAGE_URL})

set(zdev_about "A device relays messages between two ZeroMQ sockets, and can copy each of\nthem to a third.")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "${zdev_about} This is the shared library.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libzdev${zdev_soversion})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "${zdev_about} These are the headers, and what CMake and\npkg-config need.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libzdev-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libzdev${zdev_soversion} (= ${PROJECT_VERSION}), libzmq3-dev, cppzmq-dev, libsodium-dev")

# What Debian wants to know of each: its licence, and what changed.
string(TIMESTAMP zdev_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(
    WRITE ${CMAKE_CURRENT_BINARY_DIR}/changelog
    "libzdev (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * ${PROJECT_HOMEPAGE_URL}/blob/main/CHANGELOG.md\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${zdev_date}\n")
execute_process(COMMAND gzip -9nf ${CMAKE_CURRENT_BINARY_DIR}/changelog COMMAND_ERROR_IS_FATAL ANY)
foreach(component IN ITEMS RUNTIME DEVELOPMENT)
    string(TOLOWER ${component} lower)
    set(folder ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME})
    install(
        FILES ${CMAKE_CURRENT_SOURCE_DIR}/../LICENSE
        DESTINATION ${folder}
        RENAME copyright
        COMPONENT ${lower})
    install(
        FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
        DESTINATION ${folder}
        COMPONENT ${lower})
endforeach()

include(CPack)
