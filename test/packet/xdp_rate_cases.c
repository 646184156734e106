#include "harness.h"
void xdp_rate_cases(struct fixture *fixture)
{
	(void)fixture;
}
