"""What programs write and print, as far as their words tell.

options      the words of a command told apart: options, values, operands
outputs      what commands print
handed       places given to programs of which nobody knows what they write
operands     what programs write, by their operands and options
embedded     what short scripts write of sed, awk, perl, ruby and node
python_code  the same of Python
"""
