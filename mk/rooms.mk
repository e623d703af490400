# The rooms of src/, lowest first, and what each may use.  scripts/check-layers.sh
# enforces this table; the link order follows from it.

ROOMS := base img

uses.base :=
uses.img  := base

# program := room that holds its main.c and cmd_*.c
PROGS := vimg
room.vimg := img
