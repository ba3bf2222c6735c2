#pragma once
// The pictures of a result folder: figures/*.png and report.html, drawn by the Python package strata_plots in a process of its own. A run never fails
// for want of a picture: what it found is kept, and one line says what is missing and how to draw later.

#include <string>

#include "core/io/result_folder.hpp"

namespace strata {

enum class Drawn { all, nothing, stopped };  ///< stopped: by the user, who wants the whole command to end

/// Draws what summary.json and trace.h5 in the working folder hold. All of it appears or nothing does; what the process prints goes to log.txt, and
/// a line on standard error (unless quiet) says why there are no pictures. Interpreter: $STRATA_PYTHON, else /usr/bin/python3 (the one that
/// Debian's packages belong to), else python3 on PATH. Throws nothing.
Drawn draw_figures(ResultFolder& folder, bool quiet);

}  // namespace strata
