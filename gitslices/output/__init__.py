"""Reports, written out: each module gives one kind of text.

apply_text, check_text, evidence_text, gate_text, hook_text, lease_text, log_text, plan_text,
prune_text, scope_text, status_text: for people. document: JSON for programs.
failure: what went wrong. escape: texts from files, made safe to print.
mermaid, dot, svg, html: a plan as a picture. layout: what pictures show, and where it stands.
"""
