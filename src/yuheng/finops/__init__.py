"""Money: what nodes cost, who pays for it, what is idle, what to resize, to pack and to buy. Pure: no I/O, no clock."""
