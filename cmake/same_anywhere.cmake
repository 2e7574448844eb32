# Copy FROM, which Cython wrote, to TO with the paths of the sources as they are from SOURCE, not from where it ran: the
# same wherever the source is built. (The compiler's -ffile-prefix-map cannot reach them: they are strings.)
file(RELATIVE_PATH source ${RAN} ${SOURCE})
file(READ ${FROM} text)
string(REPLACE "${source}/" "" text "${text}")
file(WRITE ${TO} "${text}")
