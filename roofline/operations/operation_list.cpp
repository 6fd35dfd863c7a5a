// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

#include "core/base/assert.h"

#include <algorithm>
#include <limits>

namespace paretoscope::roofline {

OperationList::OperationList(const Execution& execution, const CacheGeometry& geometry,
                             std::span<const SequenceGroup> groups)
    : m_execution(execution)
    , m_geometry(geometry)
    , m_groups(groups)
{
    for (const SequenceGroup& group : groups)
        m_tokens += group.sequences * group.queries;
    m_operations.reserve(24);
}

double OperationList::streamRows() const
{
    const Parallelism& parallel = m_execution.parallel;
    return parallel.sequence ? m_tokens / parallel.tensor : m_tokens;
}

Source OperationList::add(Operation operation, std::initializer_list<Source> inputs)
{
    PSC_ASSERT(inputs.size() <= operation.inputs.size(), "an operation has at most three inputs");
    PSC_ASSERT(m_operations.size() < std::numeric_limits<Source>::max(), "a layer has few operations");
    std::copy(inputs.begin(), inputs.end(), operation.inputs.begin());
    m_operations.push_back(operation);
    return static_cast<Source>(m_operations.size() - 1);
}

Source appendReduction(OperationList& list, std::string_view name, double bytes, Source input)
{
    const Parallelism& parallel = list.execution().parallel;
    if (parallel.tensor == 1)
        return input;
    Operation operation {.name = name,
                         .resultBytes = bytes,
                         .collective = Collective::AllReduce,
                         .devices = parallel.tensor,
                         .messageBytes = bytes};
    if (!parallel.sequence)
        return list.add(operation, {input});
    operation.collective = Collective::ReduceScatter;
    operation.resultBytes = bytes / parallel.tensor;
    const Source scattered = list.add(operation, {input});
    operation.name = "all_gather";
    operation.collective = Collective::AllGather;
    operation.resultBytes = bytes;
    return list.add(operation, {scattered});
}

} // namespace paretoscope::roofline
