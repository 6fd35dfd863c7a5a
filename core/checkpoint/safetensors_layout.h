// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/element_type.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A tensor that is going to be written.
struct TensorDeclaration
{
    std::string name;
    ElementType type = ElementType::F32;
    std::vector<std::int64_t> shape; ///< outermost first, row-major
};

/// Bytes that such a tensor takes. Errors: InvalidArgument (a type that safetensors does not have, a shape that does
/// not fill whole bytes or overflows).
Result<std::int64_t> safetensorsBytes(const TensorDeclaration& tensor);

/// Where everything lies in a safetensors file. Equal declarations and metadata give equal bytes, whatever their order.
struct SafetensorsLayout
{
    struct Range
    {
        TensorDeclaration tensor;
        std::int64_t begin = 0; ///< in the file
        std::int64_t end = 0;
    };

    std::string header;                               ///< length, JSON and padding: the first bytes of the file
    std::map<std::string, Range, std::less<>> ranges; ///< by tensor name
    std::int64_t fileBytes = 0;

    /// The layout of the reference writer: types of the largest alignment first, then by name; the header padded with
    /// spaces so that the data begin at a multiple of 8. `metadata` gets "format": "pt" unless it states a format:
    /// common Python loaders refuse files without.
    /// Errors: InvalidArgument (two tensors of one name, a name that cannot be written, safetensorsBytes).
    static Result<SafetensorsLayout> of(std::vector<TensorDeclaration> tensors,
                                        std::map<std::string, std::string> metadata);
};

} // namespace paretoscope::core
