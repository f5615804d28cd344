"""Peers of other implementations of ZMTP. Each is a program with one socket, which a test steers by lines on standard input.

Arguments: the socket's type, "bind" or "connect", the endpoint, and a routing id or "". A frame is written in hexadecimal, and
a comma separates two frames.

    +TOPIC       subscribe
    -TOPIC       unsubscribe
    >MESSAGE     send
    <TIMEOUT     receive: print the message, or "nothing" after so many milliseconds

The first line that it prints is the version of its implementation. It ends with its standard input.
"""
