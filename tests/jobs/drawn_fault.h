// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace paretoscope::tests {

/// What a process under test is to do wrong now; "" for nothing. The environment variable says "MISDEED NUMBER FOLDER":
/// of all who ask, the one of that number, counted by files in the folder.
inline std::string drawnFault(const char* variable)
{
    const char* fault = std::getenv(variable);
    if (!fault)
        return {};
    std::istringstream words(fault);
    std::string how;
    std::string folder;
    int number = 0;
    words >> how >> number >> folder;
    for (int begun = 0;; ++begun) { // whoever makes the file has the number
        const int file =
            ::open((folder + "/begun-" + std::to_string(begun)).c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0 && errno == EEXIST)
            continue;
        ::close(file);
        return begun == number ? how : "";
    }
}

} // namespace paretoscope::tests
