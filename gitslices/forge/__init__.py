"""Pull requests: what is proposed, and the forges' own clients that are told.

pull_request  what a forge has of a branch, and what it is to have
words         the title and the body of a pull request
owners        who answers for which paths, by CODEOWNERS
clients       the forges' own clients, run
github        GitHub, through `gh`
gitlab        GitLab, through `glab`
gitea         Gitea and Forgejo, through `tea`
choice        which of them a remote is on
"""
