#include "harness.h"
void xdp_fragment_cases(struct fixture *fixture)
{
	(void)fixture;
}
