"""Peers of other implementations of ZMTP. Each is a program with one socket, which a test steers by lines on standard input.

Arguments: the socket's type, "bind" or "connect", the endpoint, a routing id or "", and for a socket with a mechanism one of

    plain-client|plain-server NAME PASSWORD
    curve-client PUBLIC_KEY SECRET_KEY PUBLIC_KEY_OF_THE_SERVER
    curve-server PUBLIC_KEY SECRET_KEY

A server of PLAIN admits that name with that password, and one of CURVE everybody. On standard input, a frame is written in
hexadecimal, and a comma separates two frames.

    +TOPIC       subscribe
    -TOPIC       unsubscribe
    >MESSAGE     send
    <TIMEOUT     receive: print the message, or "nothing" after so many milliseconds

The first line that it prints is the version of its implementation, or "without CURVE". It ends with its standard input.
"""
