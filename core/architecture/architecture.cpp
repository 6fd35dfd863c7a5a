// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/architecture.h"

#include <algorithm>
#include <set>

namespace paretoscope::core {

namespace {

bool matches(std::string_view pattern, std::string_view name)
{
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos)
        return pattern == name;
    const std::string_view tail = pattern.substr(star + 1);
    return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) && name.ends_with(tail);
}

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    return Json(shape).dump();
}

std::int64_t elementsOf(const std::vector<ExpectedTensor>& tensors)
{
    std::int64_t sum = 0;
    for (const ExpectedTensor& tensor : tensors) {
        std::int64_t elements = 1;
        for (const std::int64_t size : tensor.shape)
            elements *= size;
        sum += elements;
    }
    return sum;
}

} // namespace

void appendTensors(std::vector<ExpectedTensor>& tensors, const EntrySpec& entry)
{
    tensors.push_back({entry.embedding, {entry.vocabulary, entry.width}});
    if (entry.projection)
        appendTensors(tensors, *entry.projection);
    if (entry.positions)
        tensors.push_back(
            {entry.positions->weight, {entry.positions->offset + entry.positions->positions, entry.positions->width}});
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const HeadSpec& head)
{
    if (head.norm)
        appendTensors(tensors, *head.norm);
    if (head.projection)
        appendTensors(tensors, *head.projection);
    tensors.push_back({head.weight, {head.vocabulary, head.width}});
    if (!head.bias.empty())
        tensors.push_back({head.bias, {head.vocabulary}});
}

std::vector<ExpectedTensor> Architecture::tensors() const
{
    std::vector<ExpectedTensor> result;
    appendTensors(result, entry);
    for (const BlockSpec& block : blocks)
        appendTensors(result, block);
    std::vector<ExpectedTensor> last;
    appendTensors(last, head);
    std::copy_if(last.begin(), last.end(), std::back_inserter(result),
                 [&](const ExpectedTensor& tensor) { return tensor.name != entry.embedding; });
    return result;
}

std::int64_t Architecture::parameters() const
{
    return elementsOf(tensors());
}

std::int64_t Architecture::activeParameters() const
{
    std::int64_t idle = 0;
    for (const BlockSpec& block : blocks) {
        const MoeSpec* moe = block.find<MoeSpec>();
        if (!moe)
            continue;
        std::vector<ExpectedTensor> tensors;
        for (const MlpSpec& expert : moe->experts)
            appendTensors(tensors, expert);
        idle += elementsOf(tensors) / moe->rule.experts * (moe->rule.experts - moe->rule.chosen);
    }
    return parameters() - idle;
}

const MoeSpec* Architecture::largestMixture() const
{
    const MoeSpec* largest = nullptr;
    for (const BlockSpec& block : blocks) {
        const MoeSpec* moe = block.find<MoeSpec>();
        if (moe && (!largest || moe->rule.experts > largest->rule.experts))
            largest = moe;
    }
    return largest;
}

TensorReport compareTensors(const Architecture& architecture, const Checkpoint& checkpoint)
{
    TensorReport report;
    std::set<std::string, std::less<>> read;
    for (const ExpectedTensor& expected : architecture.tensors()) {
        read.insert(expected.name);
        const TensorInfo* found = checkpoint.find(expected.name);
        if (!found)
            report.missing.push_back(expected.name);
        else if (found->shape != expected.shape)
            report.mismatched.push_back(expected.name + " is " + shapeText(found->shape) + ", expected " +
                                        shapeText(expected.shape));
    }
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        const bool ignored = std::any_of(architecture.ignoredTensors.begin(), architecture.ignoredTensors.end(),
                                         [&](const std::string& pattern) { return matches(pattern, tensor.name); });
        if (!read.contains(tensor.name) && !ignored)
            report.unknown.push_back(tensor.name);
    }
    return report;
}

Status requireSupported(const Architecture& architecture, const Checkpoint& checkpoint)
{
    const auto listed = [](const std::vector<std::string>& items) {
        std::string text;
        for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 3); ++i)
            text += (i == 0 ? "" : "; ") + items[i];
        return items.size() > 3 ? text + "; and " + std::to_string(items.size() - 3) + " more" : text;
    };
    const std::string inspect = "`paretoscope inspect` lists everything";
    if (!architecture.unsupported.empty())
        return Error {ErrorCode::Unsupported,
                      "this model cannot be computed exactly: " + listed(architecture.unsupported), inspect};
    const TensorReport report = compareTensors(architecture, checkpoint);
    if (!report.mismatched.empty())
        return Error {ErrorCode::Corrupt,
                      "tensors do not have the shape that the configuration states: " + listed(report.mismatched),
                      inspect};
    if (!report.missing.empty())
        return Error {ErrorCode::Corrupt, "tensors are missing from the model: " + listed(report.missing), inspect};
    return success();
}

} // namespace paretoscope::core
