#include "harness.h"
void xdp_oracle_cases(struct fixture *fixture)
{
	(void)fixture;
}
