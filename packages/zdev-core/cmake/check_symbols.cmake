# Fails when the module's dynamic symbols name any zmq_* function. A defined one could be taken for another module's; an
# undefined one would bind to whichever libzmq the process loaded first, which need not be pyzmq's.

if(APPLE)
    set(dynamic -g)
else()
    set(dynamic -D)
endif()
execute_process(COMMAND ${NM} ${dynamic} ${MODULE} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[A-Za-z] _?zmq_[a-z_]+" found "${symbols}")
if(found)
    list(JOIN found "\n  " found)
    message(FATAL_ERROR "These functions must be hidden and have an entry in the table of the bridge:\n  ${found}")
endif()
