# Finds libzmq (zmq.h) and its C++ header cppzmq (zmq.hpp).
#
# ZMQ::headers  both headers, for code that brings the zmq_* functions itself
# ZMQ::ZMQ      the headers and libzmq (component `library`, which is required unless only `headers` is asked for)
#
# pkg-config is a hint where it exists. ZMQ_CPPZMQ_PC is true if cppzmq has a pkg-config file that others can require.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_LIBZMQ QUIET libzmq)
    pkg_check_modules(PC_CPPZMQ QUIET cppzmq)
endif()
set(ZMQ_CPPZMQ_PC "${PC_CPPZMQ_FOUND}")

find_path(ZMQ_INCLUDE_DIR zmq.h HINTS ${PC_LIBZMQ_INCLUDE_DIRS})
find_path(ZMQ_CPPZMQ_INCLUDE_DIR zmq.hpp HINTS ${PC_CPPZMQ_INCLUDE_DIRS} ${ZMQ_INCLUDE_DIR})
find_library(ZMQ_LIBRARY zmq HINTS ${PC_LIBZMQ_LIBRARY_DIRS})
mark_as_advanced(ZMQ_INCLUDE_DIR ZMQ_CPPZMQ_INCLUDE_DIR ZMQ_LIBRARY)

if(NOT ZMQ_FIND_COMPONENTS)
    set(ZMQ_FIND_COMPONENTS headers library)
    set(ZMQ_FIND_REQUIRED_headers TRUE)
    set(ZMQ_FIND_REQUIRED_library TRUE)
endif()
if(ZMQ_INCLUDE_DIR AND ZMQ_CPPZMQ_INCLUDE_DIR)
    set(ZMQ_headers_FOUND TRUE)
endif()
if(ZMQ_headers_FOUND AND ZMQ_LIBRARY)
    set(ZMQ_library_FOUND TRUE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    ZMQ
    REQUIRED_VARS ZMQ_INCLUDE_DIR ZMQ_CPPZMQ_INCLUDE_DIR
    HANDLE_COMPONENTS
    REASON_FAILURE_MESSAGE
        "zmq.h, zmq.hpp (cppzmq) or libzmq is missing. Install them:
    Debian, Ubuntu: apt-get install libzmq3-dev cppzmq-dev
    Fedora:         dnf install zeromq-devel cppzmq-devel
    macOS:          brew install zeromq cppzmq
    conda:          conda install -c conda-forge zeromq cppzmq
or name their folders: -DZMQ_INCLUDE_DIR= -DZMQ_CPPZMQ_INCLUDE_DIR= -DZMQ_LIBRARY=
")

if(ZMQ_headers_FOUND AND NOT TARGET ZMQ::headers)
    add_library(ZMQ::headers INTERFACE IMPORTED)
    set_target_properties(
        ZMQ::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${ZMQ_INCLUDE_DIR};${ZMQ_CPPZMQ_INCLUDE_DIR}")
endif()
if(ZMQ_library_FOUND AND NOT TARGET ZMQ::ZMQ)
    add_library(ZMQ::ZMQ UNKNOWN IMPORTED)
    set_target_properties(ZMQ::ZMQ PROPERTIES IMPORTED_LOCATION "${ZMQ_LIBRARY}" INTERFACE_LINK_LIBRARIES ZMQ::headers)
endif()
