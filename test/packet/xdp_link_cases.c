#include "harness.h"
void xdp_link_cases(struct fixture *fixture)
{
	(void)fixture;
}
