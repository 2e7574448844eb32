/* What Python.h has to know of a platform for the limited API, of any of 64 bits that wheels are built for. The true
 * pyconfig.h is that of the machine that builds, whose C library, word sizes and system may be others. */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_UINTPTR_T 8
#define SIZEOF_FLOAT 4
#define SIZEOF_DOUBLE 8
#define SIZEOF_TIME_T 8
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define ALIGNOF_LONG __SIZEOF_LONG__
#define ALIGNOF_SIZE_T 8

#ifdef _WIN32
#define MS_WINDOWS
#define MS_WIN32
#define MS_WIN64
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED
#else
#define SIZEOF_PID_T 4
#define SIZEOF_PTHREAD_T 8
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_SELECT_H 1
#define TIME_WITH_SYS_TIME 1
#endif

#define HAVE_WCHAR_H 1
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_SSIZE_T 1
#define HAVE_ERRNO_H 1
#define HAVE_STDDEF_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_PROTOTYPES 1
#define STDC_HEADERS 1
#define WITH_THREAD 1
#define WITH_DOC_STRINGS 1
#define PY_FORMAT_SIZE_T "z"

#endif
