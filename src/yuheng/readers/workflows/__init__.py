"""Workflows, from files to the model: Argo's as they are, and a small form of our own.

    items ──> reader ──┬── own_fields ── own                       yuheng.io/v1alpha1 Workflow
                       └── argo_fields ── argo_library             argoproj.io/v1alpha1 Workflow, WorkflowTemplate,
                              argo ── argo_values, argo_pods       ClusterWorkflowTemplate: templates unfolded into
                              depends                              tasks
                       graph: checked, and put together ──> Workflow

This imports pydantic: import it where a fleet is read.
"""

from yuheng.readers.workflows.reader import ARGO, Workflows, is_workflow, read_workflows

__all__ = ["ARGO", "Workflows", "is_workflow", "read_workflows"]
