// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"

#include <utility>
#include <variant>

namespace paretoscope::core {

/// A value or the reason why there is none. Expected failures only; our own bugs are PSC_ASSERT.
template <typename T>
class [[nodiscard]] Result
{
public:
    Result(T value) : m_state(std::move(value)) {}
    Result(Error error) : m_state(std::move(error)) {}

    bool ok() const { return std::holds_alternative<T>(m_state); } // no operator bool: Result<bool> would lie
    const Error& error() const { return std::get<Error>(m_state); }
    const T& value() const& { return std::get<T>(m_state); }
    T& value() & { return std::get<T>(m_state); }
    T&& value() && { return std::get<T>(std::move(m_state)); }

private:
    std::variant<T, Error> m_state;
};

using Status = Result<std::monostate>;

inline Status success()
{
    return Status(std::monostate {});
}

} // namespace paretoscope::core

/// Returns the error of `expression` (a Result or Status) from the calling function, if there is one.
#define PSC_TRY(expression)                                                                                            \
    do {                                                                                                               \
        if (auto pscTryResult = (expression); !pscTryResult.ok())                                                      \
            return pscTryResult.error();                                                                               \
    } while (false)

#define PSC_CONCAT_IMPL(a, b) a##b
#define PSC_CONCAT(a, b) PSC_CONCAT_IMPL(a, b)

/// Declares `declaration` from the value of `expression`, or returns its error: PSC_ASSIGN(auto x, compute());
#define PSC_ASSIGN(declaration, expression) PSC_ASSIGN_IMPL(PSC_CONCAT(pscResult, __COUNTER__), declaration, expression)
#define PSC_ASSIGN_IMPL(name, declaration, expression)                                                                 \
    auto name = (expression);                                                                                          \
    if (!name.ok())                                                                                                    \
        return name.error();                                                                                           \
    declaration = std::move(name).value()
