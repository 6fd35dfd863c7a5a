// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/workspace.h"

namespace paretoscope::core {

std::unique_ptr<Workspace> WorkspacePool::take()
{
    {
        const std::lock_guard lock(m_mutex);
        if (!m_free.empty()) {
            std::unique_ptr<Workspace> workspace = std::move(m_free.back());
            m_free.pop_back();
            return workspace;
        }
    }
    return std::make_unique<Workspace>();
}

void WorkspacePool::giveBack(std::unique_ptr<Workspace> workspace)
{
    constexpr std::size_t kKeptBytes = std::size_t(16) << 20; // the buffers of one huge text are not kept for good
    if (workspace->pieces.text.capacity() + workspace->symbols.capacity() * sizeof(Workspace::Symbol) > kKeptBytes)
        return;
    const std::lock_guard lock(m_mutex);
    m_free.push_back(std::move(workspace));
}

} // namespace paretoscope::core
